import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { Pool, type PoolConfig } from "pg";
import type { Logger } from "../telemetry/logger.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import { defaultWorkerUrl, EmbeddedDatabase } from "./embedded.ts";
import { migrateDatabase } from "./migrate.ts";
import { makePrivateDirectory } from "./private-directory.ts";

const REACHABLE_TIMEOUT_MS = 2000;
const REACHABLE_CACHE_MS = 1000;
const CLOSE_TIMEOUT_MS = 5000;
const CLOSE_POLL_MS = 10;

/** Limits of the PostgreSQL pool: the server ends a statement first; the client gives up on one it hears nothing of. */
const POSTGRES_LIMITS = {
  max: 10,
  connectionTimeoutMillis: 5000,
  idleTimeoutMillis: 30_000,
  statement_timeout: 15_000,
  query_timeout: 20_000,
  keepAlive: true,
} satisfies PoolConfig;

/** A migration may rewrite a big table. */
const MIGRATION_LIMITS = {
  ...POSTGRES_LIMITS,
  max: 1,
  statement_timeout: 10 * 60_000,
  query_timeout: 11 * 60_000,
} satisfies PoolConfig;

/** One backend, so one connection; the first one waits for the database's files to be made. */
const EMBEDDED_LIMITS = {
  max: 1,
  connectionTimeoutMillis: 60_000,
  idleTimeoutMillis: 0,
  query_timeout: 60_000,
  user: "postgres",
  database: "postgres",
  password: "",
  host: "embedded",
  port: 5432,
  ssl: false,
} satisfies PoolConfig;

export interface OpenDatabaseOptions {
  /** A PostgreSQL connection URL; without it the embedded database is used. */
  readonly databaseUrl?: string | undefined;
  /** Holds the embedded database in `db/` and its lock; made when missing, and closed to other users at each start. */
  readonly dataDirectory: string;
  readonly migrationsDirectory: string;
  readonly logger: Logger;
  /** The embedded database's worker, where it does not lie beside the bundle. */
  readonly workerUrl?: URL | undefined;
}

export interface Database {
  readonly kind: "embedded" | "postgres";
  readonly db: NodePgDatabase;
  /** Whether a query is answered within two seconds. Asked at most once a second; never rejects. */
  isReachable(): Promise<boolean>;
  /** Applies missing migrations; see {@link migrateDatabase}. */
  migrate(): Promise<void>;
  /** Ends the connections, after the running queries or five seconds, and the embedded database. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens the database without connecting to it: a server that is away is found out, and found again, by the queries.
 * Throws GatewayError `conflict` when another process owns the embedded database.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { databaseUrl, migrationsDirectory } = options;
  if (databaseUrl !== undefined) {
    const connection = { connectionString: databaseUrl, application_name: "codewise" };
    const pool = createPool({ ...POSTGRES_LIMITS, ...connection }, options.logger);
    const migrate = async (): Promise<void> => {
      const migrationPool = createPool({ ...MIGRATION_LIMITS, ...connection }, options.logger);
      try {
        await migrateDatabase(migrationPool, { migrationsDirectory });
      } finally {
        await migrationPool.end();
      }
    };
    return fromPool("postgres", pool, migrate, () => endPool(pool));
  }

  const databaseDirectory = resolve(options.dataDirectory, "db");
  await makePrivateDirectory(options.dataDirectory, options.logger);
  const release = await lockDataDirectory(options.dataDirectory);
  try {
    // The database gives its files modes for everybody: this folder is what keeps them private.
    await makePrivateDirectory(databaseDirectory, options.logger);
  } catch (error) {
    await release();
    throw error;
  }
  const embedded = new EmbeddedDatabase({
    databaseDirectory,
    workerUrl: options.workerUrl ?? defaultWorkerUrl(),
    logger: options.logger,
  });
  const pool = createPool({ ...EMBEDDED_LIMITS, stream: () => embedded.createStream() }, options.logger);
  const migrate = (): Promise<void> => migrateDatabase(pool, { migrationsDirectory });
  return fromPool("embedded", pool, migrate, async () => {
    await endPool(pool);
    await embedded.close();
    await release();
  });
}

function createPool(config: PoolConfig, logger: Logger): Pool {
  const pool = new Pool(config);
  // An idle connection that breaks is replaced by the next query; unheard, its error would end the process.
  pool.on("error", (error) => logger.warn({ reason: error.message }, "an idle database connection broke"));
  return pool;
}

async function endPool(pool: Pool): Promise<void> {
  const deadline = Date.now() + CLOSE_TIMEOUT_MS;
  // `end` forgets the queries that still wait for a connection: their promises would never settle.
  while ((pool.waitingCount > 0 || pool.idleCount < pool.totalCount) && Date.now() < deadline)
    await delay(CLOSE_POLL_MS);
  await settlesWithin(pool.end(), Math.max(0, deadline - Date.now()));
}

/** True when the promise resolves in time; false when it rejects or time is up. */
async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    promise
      .then(() => resolve(true))
      .catch(() => resolve(false))
      .finally(() => clearTimeout(timer));
  });
}

function fromPool(
  kind: Database["kind"],
  pool: Pool,
  migrate: () => Promise<void>,
  end: () => Promise<void>,
): Database {
  let checked: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  let closed: Promise<void> | undefined;
  return {
    kind,
    db: drizzle(pool),
    async isReachable() {
      if (closed !== undefined) return false;
      if (checked === undefined || performance.now() - checked.at > REACHABLE_CACHE_MS) {
        checked = { at: performance.now(), answer: settlesWithin(pool.query("select 1"), REACHABLE_TIMEOUT_MS) };
      }
      return await checked.answer;
    },
    migrate,
    close: () => (closed ??= end()),
  };
}
