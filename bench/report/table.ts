import type { Column, Figures } from "../scenarios/types.ts";

/** The medians of one scenario, by target. */
export type Medians = ReadonlyMap<string, Figures>;

/** Lines of a table in Markdown: a row for each target, and a column for each figure, ratio and difference. */
export function tableLines(columns: readonly Column[], medians: Medians): string[] {
  const header = ["target", ...columns.flatMap(({ label, ratioTo, over }) => headerCells(label, ratioTo, over))];
  const rows = [...medians].map(([target, figures]) => [
    target,
    ...columns.flatMap((column) => cells(column, figures, medians)),
  ]);
  const all = [header, ...rows];
  const widths = header.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, index) => (index === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(header), rule, ...rows.map(line)];
}

function headerCells(label: string, ratioTo: string | undefined, over: string | undefined): string[] {
  return [label, ...(ratioTo === undefined ? [] : [`x ${ratioTo}`]), ...(over === undefined ? [] : [`over ${over}`])];
}

function cells({ key, digits, ratioTo, over }: Column, figures: Figures, medians: Medians): string[] {
  const figure = figures[key];
  const texts = [format(figure, digits)];
  if (ratioTo !== undefined) texts.push(format(ratio(figure, medians.get(ratioTo)?.[key]), 2));
  if (over !== undefined) texts.push(format(difference(figure, medians.get(over)?.[key]), digits));
  return texts;
}

function ratio(figure: number | undefined, base: number | undefined): number | undefined {
  return figure === undefined || base === undefined || base === 0 ? undefined : figure / base;
}

function difference(figure: number | undefined, base: number | undefined): number | undefined {
  return figure === undefined || base === undefined ? undefined : figure - base;
}

function format(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}
