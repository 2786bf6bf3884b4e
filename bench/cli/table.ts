import { z } from "zod";
import { markdownTable } from "../report/table.ts";

/** Medians of one kind of request, in milliseconds from when the executor was asked, and bytes. */
const rowSchema = z.object({
  /** With its version. */
  cli: z.string(),
  request: z.string(),
  coldToApiMs: z.number(),
  warmToApiMs: z.number(),
  coldFirstTextMs: z.number(),
  warmFirstTextMs: z.number(),
  bodyBytes: z.number(),
});
export type Row = z.infer<typeof rowSchema>;

/** `bench/results/cli.json`. */
export const recordSchema = z.object({
  machine: z.looseObject({ cpu: z.string(), cores: z.number() }),
  count: z.int(),
  rows: z.array(rowSchema),
});

/** The figures as lines of a Markdown table. */
export function renderRows(rows: readonly Row[]): readonly string[] {
  return markdownTable(
    ["CLI and request", "to the API, cold", "warm", "first text, cold", "warm", "body at the API"],
    rows.map((row) => [
      `${row.cli}: ${row.request}`,
      ...[row.coldToApiMs, row.warmToApiMs, row.coldFirstTextMs, row.warmFirstTextMs].map(
        (ms) => `${ms.toFixed(0)} ms`,
      ),
      `${row.bodyBytes} bytes`,
    ]),
  );
}
