import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { Client, Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openGatedDatabase } from "../../test/gated-database.ts";
import { createTestDatabase, databaseKinds, testDatabaseUrl, type TestDatabase } from "../../test/test-database.ts";
import { silentLogger } from "../telemetry/logger.ts";
import type { Database } from "./client.ts";
import { EmbeddedDatabase, defaultWorkerUrl } from "./embedded.ts";
import { describeDatabaseError, isDataError } from "./errors.ts";

const tables = sql`select table_name from information_schema.tables where table_schema = 'public' order by 1`;

async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe.each(databaseKinds)("migrations on %s", (kind) => {
  let test: TestDatabase;
  afterEach(() => test.remove());

  it("build an empty database, also when started twice at once, and a repeat changes nothing", async () => {
    test = await createTestDatabase(kind);
    const first = await test.open();
    // The embedded database has one owner; two processes are two pools on a server.
    const second = kind === "embedded" ? first : await test.open();
    await Promise.all([first.migrate(), second.migrate()]);
    await first.migrate();
    const { rows } = await first.db.execute(tables);
    expect(rows.map((row) => row["table_name"])).toEqual(["agents", "client_keys", "requests", "settings"]);
    const journal = await first.db.execute(sql`select count(*)::int as applied from drizzle.__drizzle_migrations`);
    expect(journal.rows).toEqual([{ applied: 2 }]);
  });

  it("reject clearly when their folder is missing, and leave the database usable", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open({ migrationsDirectory: "/nonexistent" });
    await expect(database.migrate()).rejects.toThrow("meta/_journal.json");
    expect(await database.isReachable()).toBe(true);
  });
});

describe.each(databaseKinds)("%s through the driver", (kind) => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await createTestDatabase(kind);
    database = await test.open();
    await database.migrate();
  });
  afterAll(() => test.remove());

  it("answers concurrent queries each with its own rows", async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const answers = await Promise.all(
      numbers.map(async (number) => (await database.db.execute(sql`select ${number}::int as number`)).rows[0]),
    );
    expect(answers).toEqual(numbers.map((number) => ({ number })));
  });

  it("carries every type of parameter and back", async () => {
    const { rows } = await database.db.execute(sql`select ${"ä\u{1f600}'\\"}::text as text, ${42}::int as number,
      ${true}::boolean as flag, ${null}::text as nothing, ${Buffer.from([0, 255, 1])}::bytea as bytes,
      ${"2026-01-02T03:04:05.678Z"}::timestamptz as time, ${'{"a":[1,null]}'}::jsonb as json, ${0.1}::float8 as float`);
    expect(rows).toEqual([
      {
        text: "ä\u{1f600}'\\",
        number: 42,
        flag: true,
        nothing: null,
        bytes: Buffer.from([0, 255, 1]),
        time: "2026-01-02 03:04:05.678+00",
        json: { a: [1, null] },
        float: 0.1,
      },
    ]);
  });

  it("carries rows and parameters of several megabytes", async () => {
    const text = "0123456789abcdef".repeat(500_000);
    const { rows } = await database.db.execute(sql`select ${text}::text as text from generate_series(1, 2)`);
    expect(rows.map((row) => row["text"] === text)).toEqual([true, true]);
  });

  it.each([
    ["a syntax error", sql`selec 1`, /42601: syntax error/],
    ["a parameter of the wrong type", sql`select ${"x"}::int`, /SQLSTATE 22P02/],
    ["an error after rows were sent", sql`select 1 / (5 - n) from generate_series(1, 10) as n`, /SQLSTATE 22012/],
    ["an error between statements", sql.raw("select 1; select 1/0; select 2"), /SQLSTATE 22012/],
  ])("reports %s without the statement, and goes on", async (_, statement, reason) => {
    const error = await failureOf(database.db.execute(statement));
    expect(describeDatabaseError(error)).toMatch(reason);
    expect((await database.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
  });

  it("rolls back a transaction that fails, and keeps queries from outside out of one", async () => {
    const failure = database.db.transaction(async (transaction) => {
      await transaction.execute(sql`insert into settings (key, value) values ('a', '1')`);
      await transaction.execute(sql`select 1/0`);
    });
    const outside = database.db.execute(sql`select count(*)::int as rows from settings`);
    expect(isDataError(await failureOf(failure))).toBe(true);
    expect((await outside).rows).toEqual([{ rows: 0 }]);
    expect((await database.db.execute(sql`select count(*)::int as rows from settings`)).rows).toEqual([{ rows: 0 }]);
  });

  it("does not block the event loop while it computes", async () => {
    const query = database.db.execute(sql`select count(*) from generate_series(1, 1500000)`);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 5);
    await query;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});

describe.each(databaseKinds)("closing %s", (kind) => {
  it("waits for the queries under way, can be repeated, and refuses later ones", async () => {
    const test = await createTestDatabase(kind);
    onTestFinished(() => test.remove());
    const database = await test.open();
    const busy = Promise.all(
      [1, 2, 3].map((n) =>
        database.db.execute(sql`select ${n}::int as n, count(*)::int from generate_series(1, 200000)`),
      ),
    );
    // The driver has the queries one turn later.
    await setImmediate();
    await Promise.all([database.close(), database.close()]);
    expect((await busy).map((result) => result.rows[0]?.["n"])).toEqual([1, 2, 3]);
    await failureOf(database.db.execute(sql`select 1`));
    expect(await database.isReachable()).toBe(false);
  });
});

describe("the embedded database", () => {
  it.skipIf(process.platform === "win32")("is open to its owner only, also in folders that were not", async () => {
    const test = await createTestDatabase("embedded");
    onTestFinished(() => test.remove());
    const { dataDirectory } = test.options;
    const modes = async (): Promise<string[]> => {
      const paths = [dataDirectory, join(dataDirectory, "db"), join(dataDirectory, "codewise.lock")];
      return await Promise.all(paths.map(async (path) => ((await stat(path)).mode & 0o7777).toString(8)));
    };
    await mkdir(dataDirectory, { mode: 0o755 });
    const database = await test.open();
    await database.migrate();
    expect(await modes()).toEqual(["700", "700", "600"]);
    await database.close();
    for (const path of [dataDirectory, join(dataDirectory, "db")]) await chmod(path, 0o777);
    await (await test.open()).migrate();
    expect(await modes()).toEqual(["700", "700", "600"]);
  });

  it("keeps its data, and can be opened again", async () => {
    const test = await createTestDatabase("embedded");
    onTestFinished(() => test.remove());
    const database = await test.open();
    await database.migrate();
    await database.db.execute(sql`insert into settings (key, value) values ('kept', '1')`);
    await expect(test.open()).rejects.toThrow(`in use by process ${process.pid}`);
    await database.close();
    const again = await test.open();
    expect((await again.db.execute(sql`select key from settings`)).rows).toEqual([{ key: "kept" }]);
  });

  it("rolls back and forgets the session of a client that vanishes in a transaction", async () => {
    const test = await createTestDatabase("embedded");
    const embedded = new EmbeddedDatabase({
      databaseDirectory: test.options.dataDirectory,
      workerUrl: defaultWorkerUrl(),
      logger: silentLogger,
    });
    onTestFinished(async () => {
      await embedded.close();
      await test.remove();
    });
    const config = { stream: () => embedded.createStream(), user: "postgres", database: "postgres" };
    const first = new Client(config);
    first.on("error", () => undefined);
    await first.connect();
    await first.query("create table t (n int)");
    await first.query("begin; insert into t values (1); set search_path to nowhere");
    await first.query("select pg_advisory_lock(1)");
    const dropped = first.end();
    const second = new Client(config);
    await second.connect();
    await dropped;
    expect((await second.query("select count(*)::int as rows from t")).rows).toEqual([{ rows: 0 }]);
    expect(
      (await second.query("select count(*)::int as locks from pg_locks where locktype = 'advisory'")).rows,
    ).toEqual([{ locks: 0 }]);
    await second.end();
  });

  it("rejects its queries when its thread dies, and comes back with what was committed", async () => {
    const test = await createTestDatabase("embedded");
    const embedded = new EmbeddedDatabase({
      databaseDirectory: test.options.dataDirectory,
      workerUrl: defaultWorkerUrl(),
      logger: silentLogger,
    });
    const pool = new Pool({ max: 1, stream: () => embedded.createStream(), user: "postgres", database: "postgres" });
    pool.on("error", () => undefined);
    onTestFinished(async () => {
      await pool.end();
      await embedded.close();
      await test.remove();
    });
    const db = drizzle(pool);
    await db.execute(sql.raw("create table t as select 7 as n"));
    const running = failureOf(db.execute(sql`select count(*) from generate_series(1, 50000000)`));
    await embedded.terminate();
    await running;
    expect((await db.execute(sql`select n from t`)).rows).toEqual([{ n: 7 }]);
  });

  it("says why when its files cannot be opened", async () => {
    const test = await createTestDatabase("embedded");
    onTestFinished(() => test.remove());
    await mkdir(test.options.dataDirectory);
    const databaseDirectory = join(test.options.dataDirectory, "a-file");
    await writeFile(databaseDirectory, "");
    const embedded = new EmbeddedDatabase({ databaseDirectory, workerUrl: defaultWorkerUrl(), logger: silentLogger });
    onTestFinished(() => embedded.close());
    const client = new Client({ stream: () => embedded.createStream() });
    client.on("error", () => undefined);
    expect(describeDatabaseError(await failureOf(client.connect()))).toBe(
      "the embedded database cannot be opened: ENOTDIR: not a directory",
    );
  });

  it("says that its thread ended when there is none", async () => {
    const test = await createTestDatabase("embedded");
    onTestFinished(() => test.remove());
    const database = await test.open({ workerUrl: new URL("./missing-worker.ts", import.meta.url) });
    expect(describeDatabaseError(await failureOf(database.migrate()))).toMatch(/thread ended/);
    expect(await database.isReachable()).toBe(false);
  });
});

describe.skipIf(testDatabaseUrl === undefined)("a server that goes away", () => {
  it("is found to be away and back, and the process survives its idle connections being cut", async () => {
    const { database, gate } = await openGatedDatabase();
    expect(await database.isReachable()).toBe(true);
    gate.shut();
    await expect.poll(() => database.isReachable(), { timeout: 5000, interval: 200 }).toBe(false);
    await failureOf(database.db.execute(sql`select 1`));
    gate.open();
    await expect.poll(() => database.isReachable(), { timeout: 5000, interval: 200 }).toBe(true);
    gate.stall();
    const startedAt = performance.now();
    await expect.poll(() => database.isReachable(), { timeout: 6000, interval: 200 }).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it("does not keep the database from being opened", async () => {
    const test = await createTestDatabase("postgres");
    onTestFinished(() => test.remove());
    const database = await test.open({ databaseUrl: "postgres://nobody@127.0.0.1:1/none" });
    expect(await database.isReachable()).toBe(false);
    expect(describeDatabaseError(await failureOf(database.migrate()))).toMatch(/ECONNREFUSED/);
  });
});
