import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createTestDatabase, databaseKinds, type TestDatabase } from "../../test/test-database.ts";
import type { Database } from "../db/client.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { startLogRetention, type LogRetentionOptions } from "./log-retention.ts";

const NOW_MS = Date.UTC(2027, 0, 31);
const DAY_MS = 24 * 60 * 60_000;

describe.each(databaseKinds)("the retention of the request log on %s", (kind) => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await createTestDatabase(kind);
    database = await test.open();
    await database.migrate();
  });
  beforeEach(async () => {
    await database.db.execute(sql`truncate requests`);
  });
  afterAll(() => test.remove());

  /** One row per day: `age_1` is a day old. */
  async function insertAges(from: number, to: number): Promise<void> {
    await database.db.execute(sql`insert into requests
      (id, created_at, status, tokens_estimated, total_ms, streamed, client_gone, attempts)
      select 'age_' || age, ${new Date(NOW_MS).toISOString()}::timestamptz - age * interval '1 day',
        200, false, 1, false, false, 1 from generate_series(${from}::int, ${to}::int) as age`);
  }

  async function ids(): Promise<unknown[]> {
    const { rows } = await database.db.execute(sql`select id from requests order by created_at desc`);
    return rows.map((row) => row["id"]);
  }

  function start(change: Partial<LogRetentionOptions> = {}): ReturnType<typeof startLogRetention> {
    const options = { database, logger: silentLogger, days: 3, intervalMs: 10, firstRunMs: 1, now: () => NOW_MS };
    const retention = startLogRetention({ ...options, ...change });
    onTestFinished(() => retention.stop());
    return retention;
  }

  it("deletes what is older, in batches, keeps the rest, and goes on until it is stopped", async () => {
    await insertAges(0, 100);
    const info = vi.fn<(fields: object) => void>();
    const retention = start({ batchMax: 30, logger: { ...silentLogger, info } });
    await expect.poll(ids).toEqual(["age_0", "age_1", "age_2", "age_3"]);
    await expect.poll(() => info.mock.calls[0]?.[0]).toEqual({ deleted: 97, days: 3 });
    await insertAges(50, 52);
    await expect.poll(ids).toEqual(["age_0", "age_1", "age_2", "age_3"]);
    retention.stop();
    const runs = vi.spyOn(database.db, "execute");
    onTestFinished(() => runs.mockRestore());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(runs).not.toHaveBeenCalled();
  });

  it("keeps all rows for ever with 0 days", async () => {
    await insertAges(0, 2);
    let asked = 0;
    const now = (): number => {
      asked += 1;
      return NOW_MS + 1e5 * DAY_MS;
    };
    start({ days: 0, now });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([asked, await ids()]).toEqual([0, ["age_0", "age_1", "age_2"]]);
  });

  it("shares the work with another process, and both go on", async () => {
    await insertAges(0, 2000);
    start({ batchMax: 100 });
    start({ batchMax: 100 });
    await expect.poll(ids, { timeout: 10_000 }).toEqual(["age_0", "age_1", "age_2", "age_3"]);
  });

  it("logs a failure and tries again at the next run", async () => {
    const other = await createTestDatabase(kind);
    onTestFinished(() => other.remove());
    const unmigrated = await other.open();
    const warn = vi.fn<(fields: object) => void>();
    start({ database: unmigrated, logger: { ...silentLogger, warn } });
    await expect.poll(() => warn.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(1);
    expect(warn.mock.calls[0]?.[0]).toEqual({ reason: expect.stringContaining("42P01") as string });
  });
});
