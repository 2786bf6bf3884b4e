import { compareRounds, median } from "../measure/percentile.ts";
import type { Column } from "../scenarios/types.ts";
import type { Verdict } from "./budgets.ts";
import type { Rounds } from "./samples.ts";

/** Lines of a Markdown table with aligned columns: the first to the left, the others to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, index) => Math.max(...[header, ...rows].map((row) => row[index]?.length ?? 0)));
  const pad = (cell: string, index: number): string =>
    index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0);
  const line = (row: readonly string[]): string => `| ${row.map(pad).join(" | ")} |`;
  const rule = widths.map((width, index) => (index === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)];
}

/** A scenario's medians: a row for each target, a column for each figure, and for its ratio or difference. */
export function scenarioTable(columns: readonly Column[], rounds: Rounds): string[] {
  const header = ["target", ...columns.flatMap(headerCells)];
  const rows = [...rounds.keys()].map((target) => [
    target,
    ...columns.flatMap((column) => cells(column, target, rounds)),
  ]);
  return markdownTable(header, rows);
}

/** Every budget with what this run says of it. */
export function budgetTable(verdicts: readonly Verdict[]): string[] {
  const rows = verdicts.map(({ what, value, bound, outcome, isGate, fails }) => [
    what,
    value === undefined ? "-" : String(Number(value.toPrecision(3))),
    bound,
    `${outcome}${fails ? " (FAILS)" : ""}`,
    isGate ? "gate" : "report",
  ]);
  return markdownTable(["budget", "measured", "bound", "outcome", "kind"], rows);
}

function headerCells({ label, ratioTo, over }: Column): string[] {
  return [label, ...(ratioTo === undefined ? [] : [`x ${ratioTo}`]), ...(over === undefined ? [] : [`over ${over}`])];
}

function cells({ key, digits, ratioTo, over }: Column, target: string, rounds: Rounds): string[] {
  const valuesOf = (name: string): number[] => (rounds.get(name) ?? []).map((figures) => figures[key] ?? Number.NaN);
  const own = valuesOf(target);
  const against = (name: string, compare: (left: number, right: number) => number): number =>
    compareRounds(own, valuesOf(name), compare);
  return [
    format(median(own), digits),
    ...(ratioTo === undefined
      ? []
      : [
          format(
            against(ratioTo, (left, right) => left / right),
            2,
          ),
        ]),
    ...(over === undefined
      ? []
      : [
          format(
            against(over, (left, right) => left - right),
            digits,
          ),
        ]),
  ];
}

function format(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "-";
}
