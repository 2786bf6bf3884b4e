/** The figures of docs/reliability.md, as a run writes them. */
import { NETWORK_FAULTS } from "./faults.ts";
import { SCENARIOS } from "./process-scenarios.ts";
import type { SuiteResult } from "./results.ts";
import { NETWORK_TITLE, PROCESS_TITLE, Tally } from "./tally.ts";

export const REPORT_BEGIN = "<!-- chaos: made by `npm run chaos -- --record` -->";
export const REPORT_END = "<!-- chaos: end -->";

export interface ReportedRun {
  readonly results: readonly SuiteResult[];
  /** How it was begun. */
  readonly command: string;
  /** Such as 2026-11-25. */
  readonly date: string;
  readonly cores: number;
  /** All of it, with what is started and compiled. */
  readonly elapsedMs: number;
}

/** What stands between the two marks: a sentence, and a table for each suite. Parts that ran side by side are one suite. */
export function renderReport({ results, command, date, cores, elapsedMs }: ReportedRun): string {
  const suites = [
    [NETWORK_TITLE, NETWORK_FAULTS],
    [PROCESS_TITLE, SCENARIOS.map(({ name }) => name)],
  ] as const;
  let runs = 0;
  let violations = 0;
  const tables = suites.map(([title, kinds]) => {
    const sum = new Tally(title, kinds);
    const parts = results.filter(({ tally }) => tally.title === title);
    for (const { tally } of parts) sum.add(tally);
    runs += sum.data.runs;
    violations += sum.data.violations;
    return sum.table(Math.max(0, ...parts.map((part) => part.elapsedMs))).trim();
  });
  const duration = `${Math.floor(elapsedMs / 60_000)} min ${Math.round((elapsedMs % 60_000) / 1000)} s`;
  const sentence = `On ${date}, by \`${command}\` on ${cores} cores, ${duration} in all: ${runs} runs, **${violations} violated properties**.`;
  return [sentence, ...tables].join("\n\n");
}

/** The page with other figures. Throws where its marks are not there once and in order. */
export function replaceReport(page: string, report: string): string {
  const [before, rest, ...more] = page.split(REPORT_BEGIN);
  const [, after, ...others] = rest?.split(REPORT_END) ?? [];
  if (before === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error("docs/reliability.md has lost its marks");
  }
  return `${before}${REPORT_BEGIN}\n\n${report}\n\n${REPORT_END}${after}`;
}

/** What stands between the marks. */
export function readReport(page: string): string {
  return page.slice(page.indexOf(REPORT_BEGIN) + REPORT_BEGIN.length, page.indexOf(REPORT_END)).trim();
}
