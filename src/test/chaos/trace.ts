/** What happened in one run, in order, to be read after a failure. */
export class Trace {
  readonly #startedAt = performance.now();
  readonly #lines: string[] = [];

  add(who: string, what: string): void {
    if (this.#lines.length === MAX_LINES) this.#lines.push("(more left out)");
    if (this.#lines.length > MAX_LINES) return;
    const ms = (performance.now() - this.#startedAt).toFixed(0).padStart(6);
    this.#lines.push(`${ms} ms  ${who.padEnd(12)} ${what}`);
  }

  /** The failure of a run, with how to repeat its plan. */
  report(seed: number, problems: readonly string[]): string {
    const repeat = `CHAOS_SEED=${seed} npx vitest run --config vitest.chaos.config.ts`;
    return [`seed ${seed}: ${problems.join("; ")}`, `  ${repeat}`, ...this.#lines.map((line) => `  ${line}`)].join(
      "\n",
    );
  }
}

const MAX_LINES = 400;

/** The first reports as they are, and of all others the first line. */
export function summarise(reports: readonly string[]): string {
  const rest = reports.slice(WHOLE_REPORTS).map((report) => report.slice(0, report.indexOf("\n")));
  return [...reports.slice(0, WHOLE_REPORTS), ...rest].join("\n\n");
}

const WHOLE_REPORTS = 3;
