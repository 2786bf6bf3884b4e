import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { openDatabase, type Database, type OpenDatabaseOptions } from "../lib/db/client.ts";
import { defaultMigrationsDirectory } from "../lib/db/migrations-directory.ts";
import { silentLogger } from "../lib/telemetry/logger.ts";

/** The server that the suites for PostgreSQL use; without it they run against the embedded database only. */
export const testDatabaseUrl = process.env["TEST_DATABASE_URL"];

export const databaseKinds: readonly Database["kind"][] =
  testDatabaseUrl === undefined ? ["embedded"] : ["embedded", "postgres"];

/** An empty database, without tables, and how to open it any number of times. */
export interface TestDatabase {
  readonly options: OpenDatabaseOptions;
  open(change?: Partial<OpenDatabaseOptions>): Promise<Database>;
  /** Closes what was opened and removes the database. */
  remove(): Promise<void>;
}

async function withServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: testDatabaseUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export async function createTestDatabase(kind: Database["kind"]): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "codewise-db-"));
  const name = `codewise_test_${randomBytes(6).toString("hex")}`;
  let databaseUrl: string | undefined;
  if (kind === "postgres") {
    if (testDatabaseUrl === undefined) throw new Error("TEST_DATABASE_URL is not set");
    await withServer(`create database ${name}`);
    const url = new URL(testDatabaseUrl);
    url.pathname = `/${name}`;
    databaseUrl = url.href;
  }
  const options: OpenDatabaseOptions = {
    databaseUrl,
    dataDirectory: join(directory, "data"),
    migrationsDirectory: defaultMigrationsDirectory(),
    logger: silentLogger,
  };
  const opened: Database[] = [];
  return {
    options,
    async open(change = {}) {
      const database = await openDatabase({ ...options, ...change });
      opened.push(database);
      return database;
    },
    async remove() {
      await Promise.all(opened.map((database) => database.close()));
      if (kind === "postgres") await withServer(`drop database if exists ${name} with (force)`);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
