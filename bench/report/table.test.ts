import { describe, expect, it } from "vitest";
import { budgetTable, scenarioTable } from "./table.ts";

describe("a scenario's table", () => {
  const columns = [
    { key: "cpu", label: "CPU", digits: 1, ratioTo: "floor" },
    { key: "p50", label: "p50", digits: 2, over: "direct" },
  ] as const;

  it("shows each figure with its ratio and its difference, in aligned columns", () => {
    const rounds = new Map([
      ["direct", [{ cpu: 10, p50: 0.25 }]],
      ["floor", [{ cpu: 40, p50: 0.5 }]],
      ["codewise", [{ cpu: 50, p50: 0.75 }]],
    ]);
    expect(scenarioTable(columns, rounds)).toEqual([
      "| target   |  CPU | x floor |  p50 | over direct |",
      "| -------- | ---: | ------: | ---: | ----------: |",
      "| direct   | 10.0 |    0.25 | 0.25 |        0.00 |",
      "| floor    | 40.0 |    1.00 | 0.50 |        0.25 |",
      "| codewise | 50.0 |    1.25 | 0.75 |        0.50 |",
    ]);
  });

  it("shows a dash for what was not measured and for what it would be compared with", () => {
    expect(scenarioTable(columns, new Map([["codewise", [{ cpu: 50 }]]])).at(-1)).toBe(
      "| codewise | 50.0 |       - |   - |           - |",
    );
  });
});

describe("the table of budgets", () => {
  it("marks the one that fails the run", () => {
    const common = { figure: "a.b.cpu", bound: "<= 1", isGate: true } as const;
    const rows = budgetTable([
      { ...common, what: "missed", value: 1.23456, outcome: "missed", fails: true },
      { ...common, what: "absent", value: undefined, outcome: "not measured", isGate: false, fails: false },
    ]);
    expect(rows[2]).toBe("| missed |     1.23 |  <= 1 | missed (FAILS) |   gate |");
    expect(rows[3]).toBe("| absent |        - |  <= 1 |   not measured | report |");
  });
});
