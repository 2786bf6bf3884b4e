import type { Plan } from "../load/plan.ts";
import type { TargetName } from "../targets/index.ts";
import type { Target } from "../targets/types.ts";

/** Figures of one measurement, by the key of their column. */
export type Figures = Readonly<Record<string, number>>;

export interface Column {
  readonly key: string;
  readonly label: string;
  /** Digits after the point. */
  readonly digits: number;
  /** Another column is added: this figure as a multiple of that target's. */
  readonly ratioTo?: "floor";
  /** Another column is added: this figure less that target's. */
  readonly over?: "direct";
}

export interface Measurement {
  readonly target: Target;
  /** Length of the measured window. */
  readonly seconds: number;
  /** Length of the window in which streams are held. */
  readonly holdSeconds: number;
}

interface ScenarioBase {
  readonly name: string;
  readonly title: string;
  readonly targets: readonly TargetName[];
  /** Forms of request it sends: each target is asked once in each before. */
  readonly kinds: readonly Plan["kind"][];
  readonly columns: readonly Column[];
  /** Each target is started anew for it and not warmed up; otherwise the targets of a round share its processes. */
  readonly isFresh?: boolean;
  /** At most so many rounds. */
  readonly rounds?: number;
  /** Runs only where it is named by `--only`. */
  readonly isOptional?: boolean;
}

interface ScenarioOfEach extends ScenarioBase {
  /** @throws Error at a wrong answer or count: such a run measures nothing */
  readonly measure: (measurement: Measurement) => Promise<Figures>;
}

/** For figures whose difference is small beside what the machine's neighbours do to each: its targets are asked in turn. */
interface ScenarioOfAll extends ScenarioBase {
  readonly isFresh?: false;
  /** The figures of each target, in their order. @throws Error at a wrong answer: such a run measures nothing */
  readonly measureTogether: (targets: readonly Target[]) => Promise<readonly Figures[]>;
}

export type Scenario = ScenarioOfEach | ScenarioOfAll;
