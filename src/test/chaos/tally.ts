/** Counts what the runs met and how they ended, and prints it as one table. */
import { z } from "zod";
import type { ClientView } from "./wire-client.ts";

const ENDS = ["done", "http error", "error frame", "left", "broken"] as const satisfies readonly ClientView["kind"][];

export const NETWORK_TITLE = "agents in process, faulty lines";
export const PROCESS_TITLE = "real processes";

/** The sums of a suite as JSON. */
export const tallySchema = z.object({
  title: z.string(),
  faults: z.record(z.string(), z.number()),
  ends: z.record(z.enum(ENDS), z.number()),
  runs: z.number(),
  runsWithoutError: z.number(),
  requests: z.number(),
  textBytes: z.number(),
  longestMs: z.number(),
  repeats: z.number(),
  violations: z.number(),
});
export type TallyData = z.infer<typeof tallySchema>;

/** Sums over all runs of a suite. */
export class Tally {
  readonly #data: TallyData;

  /** `kinds`: the faults that are expected to fire, so that those that did not are shown with 0. */
  constructor(title: string, kinds: readonly string[]) {
    this.#data = {
      title,
      faults: Object.fromEntries(kinds.map((kind) => [kind, 0])),
      ends: { done: 0, "http error": 0, "error frame": 0, left: 0, broken: 0 },
      runs: 0,
      runsWithoutError: 0,
      requests: 0,
      textBytes: 0,
      longestMs: 0,
      repeats: 0,
      violations: 0,
    };
  }

  get data(): TallyData {
    return this.#data;
  }

  /** Kinds that never took effect. */
  get missing(): string[] {
    return Object.entries(this.#data.faults).flatMap(([kind, count]) => (count === 0 ? [kind] : []));
  }

  get done(): number {
    return this.#data.ends.done;
  }

  get failed(): number {
    return this.#data.ends["http error"] + this.#data.ends["error frame"];
  }

  fault(kind: string): void {
    const { faults } = this.#data;
    faults[kind] = (faults[kind] ?? 0) + 1;
  }

  /** One run with all its requests. `repeats`: attempts whose CLI was started anew after the first had ended. */
  run(views: readonly ClientView[], violations: number, repeats: number): void {
    const data = this.#data;
    data.runs += 1;
    data.violations += violations;
    data.repeats += repeats;
    if (views.every(({ kind }) => kind === "done" || kind === "left")) data.runsWithoutError += 1;
    for (const { kind, text, ms } of views) {
      data.requests += 1;
      data.ends[kind] += 1;
      data.textBytes += Buffer.byteLength(text);
      data.longestMs = Math.max(data.longestMs, ms);
    }
  }

  /** Adds the sums of another part of the same suite. */
  add(part: TallyData): void {
    const data = this.#data;
    for (const [kind, count] of Object.entries(part.faults)) data.faults[kind] = (data.faults[kind] ?? 0) + count;
    for (const kind of ENDS) data.ends[kind] += part.ends[kind];
    data.runs += part.runs;
    data.runsWithoutError += part.runsWithoutError;
    data.requests += part.requests;
    data.textBytes += part.textBytes;
    data.longestMs = Math.max(data.longestMs, part.longestMs);
    data.repeats += part.repeats;
    data.violations += part.violations;
  }

  /** Markdown, as docs/reliability.md has it. */
  table(elapsedMs: number): string {
    const data = this.#data;
    const rows: [string, string][] = [
      ["runs", String(data.runs)],
      ["runs in which no request failed", String(data.runsWithoutError)],
      ["runs with at least one error", String(data.runs - data.runsWithoutError)],
      ["requests", String(data.requests)],
      ["… whole, with the CLI's exact text", String(this.done)],
      ["… HTTP error", String(data.ends["http error"])],
      ["… error frame", String(data.ends["error frame"])],
      ["… client left", String(data.ends.left)],
      ["text delivered", `${(data.textBytes / 1_048_576).toFixed(1)} MiB`],
      ["longest request", `${Math.round(data.longestMs)} ms`],
      ["CLI started again for an attempt after its first run had ended", String(data.repeats)],
      ...Object.entries(data.faults).map(([kind, count]): [string, string] => [`fault: ${kind}`, String(count)]),
      ["violated properties (silent losses and all others)", String(data.violations)],
      ["time", `${(elapsedMs / 1000).toFixed(1)} s`],
    ];
    const width = Math.max(data.title.length, ...rows.map(([name]) => name.length));
    const valueWidth = Math.max(...rows.map(([, value]) => value.length));
    const line = (name: string, value: string): string => `| ${name.padEnd(width)} | ${value.padStart(valueWidth)} |`;
    const body = rows.map(([name, value]) => line(name, value));
    return ["", line(data.title, ""), `| ${"-".repeat(width)} | ${"-".repeat(valueWidth - 1)}: |`, ...body, ""].join(
      "\n",
    );
  }
}
