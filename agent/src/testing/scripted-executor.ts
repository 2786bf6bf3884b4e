/** A CliExecutor in this process, whose runs a test steps through. */
import type { CliExecution, CliExecutor, CliOutcome, CliReadiness, CliSink } from "../../../src/lib/cli/types.ts";
import type { ChatDelta } from "../../../src/lib/openai/delta.ts";

/** One run, in the hands of the test. */
export interface ScriptedRun {
  readonly execution: CliExecution;
  delta(delta: ChatDelta): boolean;
  onDrain(listener: () => void): void;
  finish(outcome?: Partial<CliOutcome>): void;
  fail(error: unknown): void;
}

export interface ScriptedExecutor extends CliExecutor {
  readonly runs: ScriptedRun[];
  readiness: CliReadiness;
  readonly probes: number;
  readonly kills: number;
  /** Resolves with the nth run (from 0) as soon as it has started. */
  run(index: number): Promise<ScriptedRun>;
}

export const OUTCOME: CliOutcome = {
  finishReason: "stop",
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  usageSource: "cli",
  model: "claude-sonnet-4-5",
  droppedParams: [],
  costUsd: 0.01,
  timings: { spawnMs: 1, firstDeltaMs: 2, totalMs: 3 },
};

/** Ready, offers `sonnet`, and runs until the test says otherwise; an abort ends a run as the real one does. */
export function createScriptedExecutor(): ScriptedExecutor {
  const runs: ScriptedRun[] = [];
  const alive = new Set<(error: Error) => void>();
  let watchers: (() => void)[] = [];
  let probes = 0;
  let kills = 0;
  return {
    name: "claude",
    runs,
    readiness: { name: "claude", version: "2.1.0", ready: true, reason: null },
    get probes() {
      return probes;
    },
    get kills() {
      return kills;
    },
    async run(index) {
      while (runs[index] === undefined) await new Promise<void>((resolve) => watchers.push(resolve));
      return runs[index];
    },
    async probe() {
      probes += 1;
      return this.readiness;
    },
    models: () => ["sonnet", "claude-haiku-*"],
    running: () => alive.size,
    async killAll() {
      kills += 1;
      for (const end of alive) end(new Error("killed"));
    },
    execute(execution, sink: CliSink) {
      return new Promise<CliOutcome>((resolve, reject) => {
        const fail = (error: unknown): void => {
          alive.delete(fail);
          reject(error instanceof Error ? error : new Error(String(error)));
        };
        alive.add(fail);
        execution.signal.addEventListener("abort", () => fail(new Error("aborted")), { once: true });
        sink.open({ model: OUTCOME.model, droppedParams: ["logprobs"] });
        runs.push({
          execution,
          delta: (delta) => sink.delta(delta),
          onDrain: (listener) => sink.onDrain(listener),
          finish: (outcome = {}) => {
            alive.delete(fail);
            resolve({ ...OUTCOME, ...outcome });
          },
          fail,
        });
        const waiting = watchers;
        watchers = [];
        for (const wake of waiting) wake();
      });
    },
  };
}
