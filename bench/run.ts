/**
 * `npm run bench`: measures, prints the tables, writes JSON and compares with the budgets; see bench/README.md. Exits 1
 * at a wrong answer or count, a target that does not start, or a gated budget that was missed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPrivatePostgres, type PrivatePostgres } from "../scripts/private-postgres.ts";
import { parseOptions } from "./options.ts";
import { budgetsSchema, judge } from "./report/budgets.ts";
import { describeMachine } from "./report/machine.ts";
import { printReport } from "./report/print-report.ts";
import { Samples } from "./report/samples.ts";
import { writeResults } from "./report/write-results.ts";
import { runRound } from "./run-round.ts";
import { selectScenarios } from "./scenarios/index.ts";
import { killServers } from "./targets/server-process.ts";

const options = parseOptions(process.argv.slice(2));
const scenarios = selectScenarios(options.only);
const machine = describeMachine();
const startedAt = new Date();
const samples = new Samples();

/** Makes a database for each target, in a PostgreSQL of this run's own. */
function databases(postgres: PrivatePostgres | undefined): (target: string) => string | undefined {
  const made = new Map<string, string>();
  return (target) => {
    const url = made.get(target) ?? postgres?.createDatabase(`bench_${target}`);
    if (url !== undefined) made.set(target, url);
    return url;
  };
}

const directory = mkdtempSync(join(tmpdir(), "codewise-bench-"));
const postgres = options.embedded ? undefined : await startPrivatePostgres();

function cleanUp(): void {
  killServers();
  postgres?.stop();
  rmSync(directory, { recursive: true, force: true });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  const context = { directory, fromSource: options.source, databaseUrl: databases(postgres) };
  const { targets, seconds, holdSeconds } = options;
  for (let round = 0; round < options.rounds; round += 1) {
    await runRound({ round, scenarios, targets, seconds, holdSeconds, context, samples });
  }
} finally {
  cleanUp();
}

const budgets = budgetsSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, "budgets.json"), "utf8")));
const verdicts = judge(budgets, (scenario) => samples.rounds(scenario));
printReport(
  scenarios,
  samples,
  options.only.length === 0 ? verdicts : verdicts.filter(({ value }) => value !== undefined),
);
const elapsed = (Date.now() - startedAt.getTime()) / 1000;
const run = { machine, startedAt, seconds: elapsed, options: { ...options }, scenarios, samples, verdicts };
process.stdout.write(`${writeResults(run, false)}\n`);
if (options.record) process.stdout.write(`${writeResults(run, true)}\n`);
const isOverBudget = options.gate && verdicts.some(({ fails }) => fails);
process.exitCode = samples.failures.length > 0 || isOverBudget ? 1 : 0;
