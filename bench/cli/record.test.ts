import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { recordSchema, renderRows } from "./table.ts";

const root = join(import.meta.dirname, "..", "..");

it("is quoted in the README as it is", () => {
  const record = recordSchema.parse(JSON.parse(readFileSync(join(root, "bench", "results", "cli.json"), "utf8")));
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const cells = (line: string): string => line.replaceAll(/\s+/g, " ").replaceAll(/-+:?/g, "-");
  const lines = new Set(readme.split("\n").map(cells));
  expect(renderRows(record.rows).filter((line) => !lines.has(cells(line)))).toEqual([]);
  expect(readme).toContain(`medians of ${record.count} on ${record.machine.cores} cores`);
});
