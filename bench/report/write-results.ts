import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "../scenarios/types.ts";
import type { Verdict } from "./budgets.ts";
import type { Machine } from "./machine.ts";
import type { Samples } from "./samples.ts";

const directory = join(import.meta.dirname, "..", "results");

export interface Run {
  readonly machine: Machine;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly Scenario[];
  readonly samples: Samples;
  readonly verdicts: readonly Verdict[];
}

/** Writes a run as JSON, medians and every round, under its time; with `isRecord` as `latest.json`, the one that is committed. */
export function writeResults(run: Run, isRecord: boolean): string {
  const { samples, startedAt } = run;
  const results = run.scenarios.map(({ name, title }) => ({
    scenario: name,
    title,
    medians: Object.fromEntries(samples.medians(name)),
    // What the record is for is the medians; its rounds would only make its diffs long.
    ...(!isRecord && { rounds: Object.fromEntries(samples.rounds(name)) }),
  }));
  const document = {
    startedAt: startedAt.toISOString(),
    seconds: Math.round(run.seconds),
    machine: run.machine,
    options: run.options,
    results,
    skipped: Object.fromEntries(samples.skipped),
    failures: samples.failures,
    budgets: run.verdicts,
  };
  mkdirSync(directory, { recursive: true });
  const name = isRecord ? "latest" : startedAt.toISOString().slice(0, 19).replaceAll(":", "-");
  const file = join(directory, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(document, roundNumbers, 2)}\n`);
  return file;
}

function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
