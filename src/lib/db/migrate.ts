import { setTimeout as delay } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import type { Pool, PoolClient } from "pg";

/** Any number that nothing else in the same database uses as an advisory lock. */
const MIGRATION_LOCK = "7219041553284096001";
const LOCK_POLL_MS = 200;

export interface MigrateOptions {
  /** Folder of the generated SQL and its journal. */
  readonly migrationsDirectory: string;
  /** How long to wait for another process that is migrating. */
  readonly lockTimeoutMs?: number;
}

async function acquireLock(client: PoolClient, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await client.query<{ locked: boolean }>("select pg_try_advisory_lock($1) as locked", [
      MIGRATION_LOCK,
    ]);
    if (result.rows[0]?.locked === true) return;
    if (Date.now() >= deadline) {
      throw new Error(`another process has been migrating the database for more than ${timeoutMs} ms`);
    }
    await delay(LOCK_POLL_MS);
  }
}

/**
 * Applies the migrations that are missing, all in one transaction, under a session-level advisory lock (PostgreSQL
 * documentation, "Advisory Locks"): of processes that start at once, one migrates and the others wait for it. Rejects
 * when the database cannot be reached, a migration fails or the wait is over.
 */
export async function migrateDatabase(pool: Pool, options: MigrateOptions): Promise<void> {
  const client = await pool.connect();
  let isClean = false;
  try {
    await acquireLock(client, options.lockTimeoutMs ?? 120_000);
    await migrate(drizzle(client), { migrationsFolder: options.migrationsDirectory });
    await client.query("select pg_advisory_unlock($1)", [MIGRATION_LOCK]);
    isClean = true;
  } finally {
    // A connection that failed is closed instead, which also frees the lock.
    client.release(!isClean);
  }
}
