/** What a suite hands to whoever writes the page: a file for each part, where one is asked for. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { tallySchema, type Tally } from "./tally.ts";

const resultSchema = z.object({ tally: tallySchema, elapsedMs: z.number() });
export type SuiteResult = z.infer<typeof resultSchema>;

/** The folder for {@link saveTally}. */
export const RESULTS_VARIABLE = "CHAOS_RESULTS";

export function saveTally(part: string, { data }: Tally, elapsedMs: number): void {
  const folder = process.env[RESULTS_VARIABLE];
  if (folder === undefined) return;
  writeFileSync(join(folder, `${part}.json`), JSON.stringify({ tally: data, elapsedMs } satisfies SuiteResult));
}

export function readResults(folder: string): SuiteResult[] {
  return readdirSync(folder).map((name) => resultSchema.parse(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}
