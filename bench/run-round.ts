import { checkTarget } from "./check-target.ts";
import type { Plan } from "./load/plan.ts";
import type { Samples } from "./report/samples.ts";
import { measureLoad } from "./scenarios/measure-load.ts";
import type { Figures, Scenario } from "./scenarios/types.ts";
import { isPeer, TARGETS, type TargetName } from "./targets/index.ts";
import { TargetUnavailable, type Target, type TargetContext } from "./targets/types.ts";
import { startUpstream } from "./targets/upstream.ts";

const PREWARM_SECONDS = 4;

type MeasuredAlone = Extract<Scenario, { measure: unknown }>;
type MeasuredTogether = Extract<Scenario, { measureTogether: unknown }>;

export interface RoundOptions {
  /** From 0. */
  readonly round: number;
  readonly scenarios: readonly Scenario[];
  readonly targets: readonly TargetName[];
  readonly seconds: number;
  readonly holdSeconds: number;
  readonly context: Omit<TargetContext, "upstream">;
  readonly samples: Samples;
}

/**
 * One round: fresh processes, each scenario over its targets in turn, in the reversed order in every other round, so that
 * what the neighbours of this machine do meanwhile falls on all alike.
 */
export async function runRound(options: RoundOptions): Promise<void> {
  const due = options.scenarios.filter(({ rounds }) => rounds === undefined || options.round < rounds);
  await runShared(
    options,
    due.filter(({ isFresh }) => isFresh !== true),
  );
  for (const scenario of due) if ("measure" in scenario && scenario.isFresh === true) await runFresh(options, scenario);
}

/** The scenarios that share the processes of a round. */
async function runShared(options: RoundOptions, scenarios: readonly Scenario[]): Promise<void> {
  if (scenarios.length === 0) return;
  const wanted = options.targets.filter((name) => scenarios.some(({ targets }) => targets.includes(name)));
  const upstream = await startUpstream(options.context.directory);
  const running = new Map<TargetName, Target>();
  try {
    for (const name of wanted) {
      const kinds = kindsFor(name, scenarios);
      const target = await startReady(options, { ...options.context, upstream }, name, kinds, prewarm);
      if (target !== undefined) running.set(name, target);
    }
    for (const scenario of scenarios) {
      const present = scenario.targets.flatMap((name) => {
        const target = running.get(name);
        return target === undefined ? [] : [{ name, target }];
      });
      if ("measureTogether" in scenario) await measureTogether(options, scenario, present);
      else {
        for (const { name, target } of inOrder(options.round, present)) await measure(options, scenario, name, target);
      }
    }
  } finally {
    for (const target of running.values()) await target.stop();
    await upstream.stop();
  }
}

/** A scenario that needs a new process for each of its targets. */
async function runFresh(options: RoundOptions, scenario: MeasuredAlone): Promise<void> {
  const names = options.targets.filter((name) => scenario.targets.includes(name));
  for (const name of inOrder(options.round, names)) {
    const upstream = await startUpstream(options.context.directory);
    try {
      const target = await startReady(options, { ...options.context, upstream }, name, scenario.kinds);
      if (target === undefined) continue;
      try {
        await measure(options, scenario, name, target);
      } finally {
        await target.stop();
      }
    } finally {
      await upstream.stop();
    }
  }
}

function inOrder<Item>(round: number, items: readonly Item[]): readonly Item[] {
  return round % 2 === 0 ? items : items.toReversed();
}

function kindsFor(name: TargetName, scenarios: readonly Scenario[]): Plan["kind"][] {
  const own = scenarios.filter(({ targets }) => targets.includes(name));
  return [...new Set(own.flatMap(({ kinds }) => kinds))];
}

/** Starts a target, checks its answers and warms it up where that is wanted; undefined, and noted, where that fails. */
async function startReady(
  { samples }: RoundOptions,
  context: TargetContext,
  name: TargetName,
  kinds: readonly Plan["kind"][],
  warmUp?: typeof prewarm,
): Promise<Target | undefined> {
  if (samples.isSkipped(name)) return undefined;
  let target: Target | undefined;
  try {
    target = await TARGETS[name](context);
    await checkTarget(target, kinds);
    await warmUp?.(target, kinds);
    return target;
  } catch (error) {
    await target?.stop();
    note(samples, name, "start", error);
    return undefined;
  }
}

/** A new process compiles its code in its first thousands of requests; that is no part of any figure. */
async function prewarm(target: Target, kinds: readonly Plan["kind"][]): Promise<void> {
  const measurement = { target, seconds: PREWARM_SECONDS };
  if (kinds.includes("whole")) {
    await measureLoad(measurement, { kind: "whole", warmupSeconds: 0, connections: 32, promptBytes: 64 });
  }
  if (kinds.includes("streams")) {
    await measureLoad(measurement, { kind: "streams", warmupSeconds: 0, streams: 50, chunks: 50, gapMs: 5 });
  }
}

async function measure(
  options: RoundOptions,
  scenario: MeasuredAlone,
  name: TargetName,
  target: Target,
): Promise<void> {
  const { samples, seconds, holdSeconds } = options;
  try {
    keep(options, scenario, name, await scenario.measure({ target, seconds, holdSeconds }));
  } catch (error) {
    note(samples, name, scenario.name, error);
  }
}

async function measureTogether(
  options: RoundOptions,
  scenario: MeasuredTogether,
  present: readonly { readonly name: TargetName; readonly target: Target }[],
): Promise<void> {
  try {
    const figures = await scenario.measureTogether(present.map(({ target }) => target));
    for (const [index, { name }] of present.entries()) keep(options, scenario, name, figures[index] ?? {});
  } catch (error) {
    for (const { name } of present) note(options.samples, name, scenario.name, error);
  }
}

function keep({ samples, round }: RoundOptions, scenario: Scenario, name: TargetName, figures: Figures): void {
  samples.add(scenario.name, name, figures);
  process.stderr.write(`round ${round + 1}  ${scenario.name}  ${name}  ${describe(scenario, figures)}\n`);
}

/** A peer that cannot take the load says something about the peer; of ours it would be a fault. */
function note(samples: Samples, name: TargetName, scenario: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const isExcused = error instanceof TargetUnavailable || isPeer(name);
  if (!isExcused) samples.fail(name, scenario, message);
  else samples.skip(scenario === "start" ? name : `${scenario} of ${name}`, message);
}

function describe({ columns }: Scenario, figures: Figures): string {
  return columns.map(({ key, label, digits }) => `${label} ${(figures[key] ?? Number.NaN).toFixed(digits)}`).join(", ");
}
