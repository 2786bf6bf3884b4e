/**
 * Brings the database up to date and exits: 0 when it is, 1 when it cannot be, 2 for a wrong environment. Waits for a
 * server that is still starting. Safe to run in several containers at once.
 */
import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "../src/lib/db/client.ts";
import { describeDatabaseError } from "../src/lib/db/errors.ts";
import { defaultMigrationsDirectory } from "../src/lib/db/migrations-directory.ts";
import { EnvError, loadEnvFile, readEnv } from "../src/lib/env.ts";
import { GatewayError } from "../src/lib/http/errors.ts";
import { createLogger } from "../src/lib/telemetry/logger.ts";

const WAIT_FOR_SERVER_MS = 60_000;
const RETRY_MS = 1000;

async function migrate(): Promise<void> {
  loadEnvFile();
  const env = readEnv();
  const logger = createLogger(env.LOG_LEVEL);
  const database = await openDatabase({
    databaseUrl: env.DATABASE_URL,
    dataDirectory: env.CODEWISE_DATA_DIR,
    migrationsDirectory: defaultMigrationsDirectory(),
    logger,
  });
  try {
    const deadline = Date.now() + WAIT_FOR_SERVER_MS;
    // The embedded database is reachable as soon as it is open; what keeps it from that will not pass by waiting.
    while (database.kind === "postgres" && !(await database.isReachable()) && Date.now() < deadline) {
      logger.info("waiting for the database");
      await delay(RETRY_MS);
    }
    await database.migrate();
    logger.info("the database is up to date");
  } finally {
    await database.close();
  }
}

try {
  await migrate();
} catch (error) {
  const isKnown = error instanceof EnvError || error instanceof GatewayError;
  console.error(isKnown ? error.message : `The database cannot be migrated: ${describeDatabaseError(error)}`);
  process.exitCode = error instanceof EnvError ? 2 : 1;
}
