/**
 * `npm run chaos`: the fault suite of docs/reliability.md, by hand and longer: 10 000 seeded runs, or `--runs`. With
 * `--record` its figures are written into the page, if nothing failed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderReport, replaceReport } from "../src/test/chaos/report.ts";
import { readResults, RESULTS_VARIABLE } from "../src/test/chaos/results.ts";

const root = join(import.meta.dirname, "..");
const PAGE = join(root, "docs", "reliability.md");

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: process.env["CHAOS_RUNS"] ?? "10000" },
    record: { type: "boolean", default: process.env["CHAOS_RECORD"] === "1" },
  },
});

async function runSuite(results: string): Promise<number> {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const suite = spawn(process.execPath, [vitest, "run", "--config", "vitest.chaos.config.ts"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, CHAOS_RUNS: values.runs, [RESULTS_VARIABLE]: results },
  });
  const [code] = (await once(suite, "exit")) as [number | null];
  return code ?? 1;
}

const results = mkdtempSync(join(tmpdir(), "codewise-chaos-"));
try {
  const startedAt = performance.now();
  process.exitCode = await runSuite(results);
  if (values.record && process.exitCode === 0) {
    const report = renderReport({
      results: readResults(results),
      command: `npm run chaos -- --runs ${values.runs} --record`,
      date: new Date().toISOString().slice(0, 10),
      cores: availableParallelism(),
      elapsedMs: performance.now() - startedAt,
    });
    writeFileSync(PAGE, replaceReport(readFileSync(PAGE, "utf8"), report));
  }
} finally {
  rmSync(results, { recursive: true });
}
