import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../scenarios/index.ts";
import { budgetsSchema, evaluate, judge, type Budgets } from "./budgets.ts";

const figures: Record<string, Record<string, Record<string, number>>> = {
  small: {
    floor: { cpu: 50 },
    codewise: { cpu: 60, p50: 0.5 },
    direct: { p50: 0.2 },
    "codewise-2": { cpu: Number.NaN },
  },
};
const rounds = (scenario: string) =>
  new Map(Object.entries(figures[scenario] ?? {}).map(([target, each]) => [target, [each]] as const));
const budget = (fields: Partial<Budgets["budgets"][number]>): Budgets => ({
  tolerance: 0.1,
  budgets: [{ what: "it", figure: "small.codewise.cpu / small.floor.cpu", gate: true, ...fields }],
});

describe("a figure", () => {
  it("is a measured value, a ratio or a difference", () => {
    expect(evaluate("small.codewise.cpu", rounds)).toBe(60);
    expect(evaluate("small.codewise.cpu / small.floor.cpu", rounds)).toBe(1.2);
    expect(evaluate("small.codewise.p50 - small.direct.p50", rounds)).toBeCloseTo(0.3);
  });

  it("is undefined where a part of it was not measured", () => {
    expect(evaluate("small.codewise.cpu / small.portkey.cpu", rounds)).toBeUndefined();
    expect(evaluate("large.codewise.cpu", rounds)).toBeUndefined();
    expect(evaluate("small.codewise-2.cpu", rounds)).toBeUndefined();
  });
});

describe("a budget", () => {
  it("is met at its bound, on either side", () => {
    expect(judge(budget({ max: 1.2 }), rounds)[0]).toMatchObject({ outcome: "met", fails: false, bound: "<= 1.2" });
    expect(judge(budget({ min: 1.2 }), rounds)[0]).toMatchObject({ outcome: "met", fails: false, bound: ">= 1.2" });
  });

  it("that is missed within the tolerance is said to be missed, and does not fail the run", () => {
    expect(judge(budget({ max: 1.1 }), rounds)[0]).toMatchObject({ outcome: "missed", fails: false });
    expect(judge(budget({ min: 1.3 }), rounds)[0]).toMatchObject({ outcome: "missed", fails: false });
  });

  it("that is missed beyond the tolerance fails the run if it is a gate", () => {
    expect(judge(budget({ max: 1 }), rounds)[0]).toMatchObject({ outcome: "missed", fails: true });
    expect(judge(budget({ min: 1.5 }), rounds)[0]).toMatchObject({ outcome: "missed", fails: true });
    expect(judge(budget({ max: 1, gate: false }), rounds)[0]).toMatchObject({ outcome: "missed", fails: false });
  });

  it("that was not measured fails nothing", () => {
    const [verdict] = judge(budget({ figure: "large.codewise.cpu", max: 1 }), rounds);
    expect(verdict).toMatchObject({ value: undefined, outcome: "not measured", fails: false });
  });
});

describe("bench/budgets.json", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "budgets.json"), "utf8");
  const { budgets } = budgetsSchema.parse(JSON.parse(text));

  it("names only figures that a scenario measures for a target it runs", () => {
    const known = new Set(
      SCENARIOS.flatMap(({ name, targets, columns }) =>
        targets.flatMap((target) => columns.map(({ key }) => `${name}.${target}.${key}`)),
      ),
    );
    const named = budgets.flatMap(({ figure }) => figure.split(/ [/-] /));
    expect(named.filter((figure) => !known.has(figure))).toEqual([]);
  });

  it("bounds every figure, and gates CPU ratios only", () => {
    expect(budgets.filter(({ max, min }) => max === undefined && min === undefined)).toEqual([]);
    const ratio = /^[\w-]+\.[\w-]+\.(cpu|mainCpu) \/ [\w-]+\.[\w-]+\.(cpu|mainCpu)$/;
    expect(budgets.filter(({ gate, figure }) => gate && !ratio.test(figure))).toEqual([]);
  });
});
