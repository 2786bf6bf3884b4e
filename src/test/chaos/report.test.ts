import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readReport, renderReport, replaceReport } from "./report.ts";
import { NETWORK_TITLE, Tally } from "./tally.ts";

const PAGE = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "reliability.md"), "utf8");

const run = { command: "npm run chaos", date: "2026-01-02", cores: 2, elapsedMs: 61_000 };

/** The first cells of all rows. */
function labels(report: string): string[] {
  return [...report.matchAll(/^\| ([^|-][^|]*?) +\|/gm)].map(([, label = ""]) => label);
}

test("the page's figures have a row for every kind of fault and every sum that a run writes", () => {
  const rendered = labels(renderReport({ ...run, results: [] }));
  expect(rendered.length).toBeGreaterThan(60);
  expect(labels(readReport(PAGE))).toEqual(rendered);
});

test("the page's figures are of a run in which all kinds of faults took effect and nothing was violated", () => {
  const report = readReport(PAGE);
  expect(report).toContain("**0 violated properties**");
  expect(report).not.toMatch(/^\| fault: [^|]+\| +0 \|$/m);
});

test("writes figures in the place of the old ones, and reads them back", () => {
  const report = renderReport({ ...run, results: [] });
  const page = replaceReport(PAGE, report);
  expect(readReport(page)).toBe(report);
  expect(replaceReport(page, readReport(PAGE))).toBe(PAGE);
  expect(() => replaceReport("no marks", report)).toThrow("lost its marks");
});

test("sums up what ran side by side", () => {
  const tally = new Tally(NETWORK_TITLE, ["post lost"]);
  tally.fault("post lost");
  tally.run([], 1, 0);
  const results = [tally, tally].map(({ data }) => ({ tally: data, elapsedMs: 2000 }));
  const report = renderReport({ ...run, results });
  expect(report).toContain("1 min 1 s in all: 2 runs, **2 violated properties**");
  expect(report).toMatch(/\| fault: post lost +\| +2 \|/);
  expect(report).toMatch(/\| time +\| +2\.0 s \|/);
});
