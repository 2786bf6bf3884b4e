import { z } from "zod";
import { compareRounds, median } from "../measure/percentile.ts";
import type { Rounds } from "./samples.ts";

/** A figure of the run, a ratio or a difference of two: `small.codewise.cpu / small.floor.cpu`. */
const FIGURE = /^([\w-]+\.[\w-]+\.\w+)(?: ([/-]) ([\w-]+\.[\w-]+\.\w+))?$/;

const budgetSchema = z.object({
  what: z.string(),
  figure: z.string().regex(FIGURE),
  max: z.number().optional(),
  min: z.number().optional(),
  /** Over the budget the run fails; the others are reported only. CPU ratios repeat, wall figures do not. */
  gate: z.boolean().default(false),
});

export const budgetsSchema = z.object({
  /** A gated figure fails only beyond this share over its budget: what the same code measures from run to run. */
  tolerance: z.number().min(0).max(1),
  budgets: z.array(budgetSchema),
});

export type Budgets = z.infer<typeof budgetsSchema>;
type Budget = Budgets["budgets"][number];

export interface Verdict {
  readonly what: string;
  readonly figure: string;
  /** Undefined where this run did not measure it. */
  readonly value: number | undefined;
  /** Such as `<= 1.4`. */
  readonly bound: string;
  readonly outcome: "met" | "missed" | "not measured";
  readonly isGate: boolean;
  /** A gate that was missed by more than the tolerance. */
  readonly fails: boolean;
}

/** The rounds of a scenario. */
export type RoundsOf = (scenario: string) => Rounds;

export function judge({ tolerance, budgets }: Budgets, roundsOf: RoundsOf): Verdict[] {
  return budgets.map((budget) => judgeOne(budget, tolerance, evaluate(budget.figure, roundsOf)));
}

function judgeOne({ what, figure, max, min, gate }: Budget, tolerance: number, value: number | undefined): Verdict {
  const bound = [...(max === undefined ? [] : [`<= ${max}`]), ...(min === undefined ? [] : [`>= ${min}`])].join(", ");
  const common = { what, figure, value, bound, isGate: gate };
  if (value === undefined) return { ...common, outcome: "not measured", fails: false };
  const isWithin = (slack: number): boolean =>
    (max === undefined || value <= max * (1 + slack)) && (min === undefined || value >= min * (1 - slack));
  return { ...common, outcome: isWithin(0) ? "met" : "missed", fails: gate && !isWithin(tolerance) };
}

/** The value of a figure, ratio or difference over all rounds; undefined where a part of it was not measured. */
export function evaluate(figure: string, roundsOf: RoundsOf): number | undefined {
  const [, first = "", operator, second = ""] = FIGURE.exec(figure) ?? [];
  const left = valuesOf(first, roundsOf);
  const value =
    operator === undefined
      ? median(left)
      : compareRounds(left, valuesOf(second, roundsOf), (one, other) => (operator === "/" ? one / other : one - other));
  return Number.isFinite(value) ? value : undefined;
}

function valuesOf(path: string, roundsOf: RoundsOf): number[] {
  const [scenario = "", target = "", key = ""] = path.split(".");
  return (roundsOf(scenario).get(target) ?? []).map((figures) => figures[key] ?? Number.NaN);
}
