import { median } from "../measure/percentile.ts";
import type { Figures } from "../scenarios/types.ts";

export interface Failure {
  readonly target: string;
  readonly scenario: string;
  readonly message: string;
}

/** Every round's figures of a scenario, by target. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

/** All that a run has measured, and what it could not. */
export class Samples {
  readonly failures: Failure[] = [];
  readonly #figures = new Map<string, Map<string, Figures[]>>();
  readonly #skipped = new Map<string, string>();

  add(scenario: string, target: string, figures: Figures): void {
    const byTarget = this.#figures.get(scenario) ?? new Map<string, Figures[]>();
    this.#figures.set(scenario, byTarget);
    byTarget.set(target, [...(byTarget.get(target) ?? []), figures]);
  }

  /** Left out, for a reason that is no fault. */
  skip(what: string, reason: string): void {
    if (!this.#skipped.has(what)) process.stderr.write(`SKIPPED ${what}: ${reason}\n`);
    this.#skipped.set(what, reason);
  }

  isSkipped(what: string): boolean {
    return this.#skipped.has(what);
  }

  /** Wrong answers, wrong counts, or a target that does not start. */
  fail(target: string, scenario: string, message: string): void {
    this.failures.push({ target, scenario, message });
    process.stderr.write(`FAILED ${scenario} of ${target}: ${message}\n`);
  }

  get skipped(): ReadonlyMap<string, string> {
    return this.#skipped;
  }

  rounds(scenario: string): Rounds {
    return this.#figures.get(scenario) ?? new Map();
  }

  /** The medians of a scenario over its rounds, by target. */
  medians(scenario: string): ReadonlyMap<string, Figures> {
    return new Map([...this.rounds(scenario)].map(([target, list]) => [target, mediansOf(list)]));
  }
}

function mediansOf(list: readonly Figures[]): Figures {
  const keys = Object.keys(list[0] ?? {});
  return Object.fromEntries(keys.map((key) => [key, median(list.map((figures) => figures[key] ?? Number.NaN))]));
}
