/** `npm run bench`: see bench/README.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { checkTarget } from "./check-target.ts";
import { median } from "./measure/percentile.ts";
import { tableLines } from "./report/table.ts";
import { selectScenarios } from "./scenarios/index.ts";
import { measureLoad } from "./scenarios/measure-load.ts";
import type { Figures, Measurement, Scenario } from "./scenarios/types.ts";
import { startCodewise } from "./targets/codewise.ts";
import { startDirect } from "./targets/direct.ts";
import { startFloor } from "./targets/floor.ts";
import { startPrivatePostgres } from "../scripts/private-postgres.ts";
import type { Target, TargetContext } from "./targets/types.ts";
import { startUpstream } from "./targets/upstream.ts";

const names = (text: string): string[] => text.split(",").filter((name) => name !== "");

const options = new Command("bench")
  .option("--only <scenarios>", "run these scenarios only, separated by commas", names, [])
  .option("--targets <targets>", "measure these targets only", names, ["direct", "floor", "codewise"])
  .option("--rounds <number>", "rounds, each with fresh processes, in alternating order", Number, 5)
  .option("--seconds <number>", "length of each measured window", Number, 3)
  .option("--source", "Codewise from source without its dashboard, in place of the built server", false)
  .option("--embedded", "Codewise with its embedded database, in place of PostgreSQL", false)
  .parse()
  .opts<{
    only: string[];
    targets: string[];
    rounds: number;
    seconds: number;
    source: boolean;
    embedded: boolean;
  }>();

const PREWARM_SECONDS = 1.5;
const scenarios = selectScenarios(options.only);
const directory = mkdtempSync(join(tmpdir(), "codewise-bench-"));
const samples = new Map<Scenario, Map<string, Figures[]>>(
  scenarios.map((scenario) => [scenario, new Map(options.targets.map((name) => [name, []]))]),
);

async function startTargets(context: TargetContext, databaseUrl: string | undefined): Promise<Target[]> {
  const starters: Record<string, () => Promise<Target>> = {
    direct: () => startDirect(context),
    floor: () => startFloor(context),
    codewise: () => startCodewise(context, { fromSource: options.source, databaseUrl }),
  };
  const targets: Target[] = [];
  for (const name of options.targets) {
    const start = starters[name];
    if (start === undefined) throw new Error(`no target ${name}; there are ${Object.keys(starters).join(", ")}`);
    targets.push(await start());
  }
  return targets;
}

/** One round: fresh processes, each scenario over all targets in turn, the order reversed in every other round. */
async function runRound(round: number, databaseUrl: string | undefined): Promise<void> {
  const upstream = await startUpstream(directory);
  let targets: Target[] = [];
  try {
    const context = { upstreamUrl: upstream.url, upstreamPid: upstream.pid, directory };
    targets = await startTargets(context, databaseUrl);
    const kinds = [...new Set(scenarios.flatMap((scenario) => scenario.kinds))];
    for (const target of targets) {
      await checkTarget(target, kinds);
      await prewarm({ target, upstreamUrl: upstream.url, seconds: PREWARM_SECONDS });
    }
    const order = round % 2 === 0 ? targets : targets.toReversed();
    for (const scenario of scenarios) {
      for (const target of order) {
        const figures = await scenario.measure({ target, upstreamUrl: upstream.url, seconds: options.seconds });
        samples.get(scenario)?.get(target.name)?.push(figures);
        process.stderr.write(`round ${round + 1} ${scenario.name} ${target.name}: ${JSON.stringify(figures)}\n`);
      }
    }
  } finally {
    for (const target of targets) await target.stop();
    await upstream.stop();
  }
}

/** A new process compiles its code in the first thousands of requests; that is no part of any figure. */
async function prewarm(measurement: Measurement): Promise<void> {
  const common = { warmupSeconds: 0 };
  await measureLoad(measurement, { ...common, kind: "whole", connections: 32, promptBytes: 64 });
  await measureLoad(measurement, { ...common, kind: "streams", streams: 50, chunks: 50, gapMs: 5 });
}

function medians(list: readonly Figures[]): Figures {
  const keys = Object.keys(list[0] ?? {});
  return Object.fromEntries(keys.map((key) => [key, median(list.map((figures) => figures[key] ?? Number.NaN))]));
}

const postgres = options.embedded ? undefined : await startPrivatePostgres();
try {
  for (let round = 0; round < options.rounds; round += 1) await runRound(round, postgres?.url);
} finally {
  postgres?.stop();
  rmSync(directory, { recursive: true, force: true });
}

const results = [...samples].map(([scenario, byTarget]) => {
  const byName = new Map([...byTarget].map(([target, list]) => [target, medians(list)]));
  console.log(`\n${scenario.title}\n\n${tableLines(scenario.columns, byName).join("\n")}`);
  return {
    scenario: scenario.name,
    title: scenario.title,
    medians: Object.fromEntries(byName),
    rounds: Object.fromEntries(byTarget),
  };
});
const resultsDirectory = join(import.meta.dirname, "results");
mkdirSync(resultsDirectory, { recursive: true });
const file = join(resultsDirectory, `${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}.json`);
writeFileSync(file, `${JSON.stringify({ options, results }, undefined, 2)}\n`);
console.log(`\n${file}`);
