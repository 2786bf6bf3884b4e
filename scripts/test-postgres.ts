/**
 * Runs the database suites against a real PostgreSQL: the one at TEST_DATABASE_URL, or a private cluster that is made in
 * a temporary folder, listens on 127.0.0.1 and is stopped at the end.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startPrivatePostgres } from "./private-postgres.ts";

const SUITES = ["src/lib/db", "src/lib/keys", "src/lib/usage", "src/lib/admin"];

function runSuites(databaseUrl: string): number {
  const vitest = join(import.meta.dirname, "..", "node_modules", "vitest", "vitest.mjs");
  const result = spawnSync(process.execPath, [vitest, "run", "--fileParallelism=false", ...SUITES], {
    stdio: "inherit",
    env: { ...process.env, TEST_DATABASE_URL: databaseUrl },
  });
  return result.status ?? 1;
}

async function withPrivateCluster(): Promise<number> {
  const postgres = await startPrivatePostgres();
  try {
    return runSuites(postgres.url);
  } finally {
    postgres.stop();
  }
}

const given = process.env["TEST_DATABASE_URL"];
process.exitCode = given === undefined ? await withPrivateCluster() : runSuites(given);
