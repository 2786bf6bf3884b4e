import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { openGatedDatabase } from "../../test/gated-database.ts";
import { createTestDatabase, databaseKinds, testDatabaseUrl, type TestDatabase } from "../../test/test-database.ts";
import type { Database } from "../db/client.ts";
import { selectRecentRequests } from "../db/queries/recent-requests.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { createLogWriter } from "./log-writer.ts";
import type { RequestRecord } from "./record.ts";

const logger = silentLogger;

function record(index: number, change: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: `req_${index}`,
    createdAtMs: 1_800_000_000_000 + index,
    keyId: "key_1",
    keyName: "laptop",
    requestedModel: "sonnet",
    servedModel: "claude-sonnet",
    provider: "claude-api",
    agentId: null,
    status: 200,
    errorCode: null,
    promptTokens: 12,
    completionTokens: 34,
    cachedTokens: 5,
    reasoningTokens: 0,
    tokensEstimated: false,
    costUsd: 0.000_123,
    firstTokenMs: 210.5,
    totalMs: 1234.75,
    streamed: true,
    clientGone: false,
    attempts: 1,
    ...change,
  };
}

async function countRows(database: Database): Promise<unknown> {
  const { rows } = await database.db.execute(sql`select count(*)::int as rows from requests`);
  return rows[0]?.["rows"];
}

describe.each(databaseKinds)("the request log on %s", (kind) => {
  let test: TestDatabase;
  afterEach(() => test.remove());

  it("keeps every field, newest first, and repeats of an id as one row", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    await database.migrate();
    const writer = createLogWriter({ database, logger });
    const bare = record(2, {
      keyId: null,
      keyName: null,
      requestedModel: null,
      servedModel: null,
      provider: null,
      agentId: "laptop-1",
      status: 499,
      errorCode: "client_closed_request",
      promptTokens: null,
      completionTokens: null,
      cachedTokens: null,
      reasoningTokens: null,
      tokensEstimated: true,
      costUsd: null,
      firstTokenMs: null,
      streamed: false,
      clientGone: true,
      attempts: 3,
    });
    for (const row of [record(1), bare, record(1, { status: 500 })]) writer.record(row);
    await writer.flush();
    expect(await selectRecentRequests(database, 10)).toEqual([bare, record(1)]);
    expect(await selectRecentRequests(database, 1)).toEqual([bare]);
    await writer.close();
  });

  it("loses no record for a number, a time or a text that its column cannot hold", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    await database.migrate();
    const writer = createLogWriter({ database, logger });
    writer.record(record(1, { requestedModel: "nul \0 half \ud800 whole \u{1f600} quote ' \\" }));
    writer.record(record(2, { promptTokens: 2 ** 40, completionTokens: -1, cachedTokens: Number.NaN, attempts: 1.5 }));
    const texts = { keyId: "\0", keyName: "\0", servedModel: "\0", provider: "\0", agentId: "\0", errorCode: "\0" };
    writer.record(record(3, { ...texts, servedModel: "m".repeat(10_000_000) }));
    writer.record(record(4, { status: Number.NaN, totalMs: Number.NaN, costUsd: Number.POSITIVE_INFINITY }));
    writer.record(record(5, { createdAtMs: Number.NaN, id: "i".repeat(100_000) }));
    await writer.close();
    expect(writer.dropped).toBe(0);
    const rows = await selectRecentRequests(database);
    const byId = new Map(rows.map((row) => [row.id, row]));
    expect([...byId.keys()].toSorted()).toEqual(["i".repeat(500), "req_1", "req_2", "req_3", "req_4"]);
    expect(byId.get("req_1")?.requestedModel).toBe("nul \ufffd half \ufffd whole \u{1f600} quote ' \\");
    const counts = { promptTokens: 2 ** 31 - 1, completionTokens: 0, cachedTokens: null, attempts: 1 };
    expect(byId.get("req_2")).toMatchObject(counts);
    expect(byId.get("req_3")).toMatchObject({ keyName: "\ufffd", servedModel: "m".repeat(500) });
    expect(byId.get("req_4")).toMatchObject({ status: 0, totalMs: 0, costUsd: null });
  });

  it("loses only the record that the database refuses", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    await database.migrate();
    await database.db.execute(sql`alter table requests add check (attempts < 1000)`);
    const writer = createLogWriter({ database, logger });
    for (const row of [record(1), record(2, { attempts: 1000 }), record(3)]) writer.record(row);
    await writer.close();
    expect(writer.dropped).toBe(1);
    const rows = await selectRecentRequests(database);
    expect(rows.map((row) => row.id)).toEqual(["req_3", "req_1"]);
  });

  it("writes 10,000 records without being told to", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    await database.migrate();
    const writer = createLogWriter({ database, logger, flushIntervalMs: 20 });
    for (let index = 0; index < 10_000; index += 1) writer.record(record(index));
    await expect.poll(() => countRows(database), { timeout: 10_000, interval: 50 }).toBe(10_000);
    expect(writer.dropped).toBe(0);
    await writer.close();
  });

  it("keeps records for a database that is not ready, drops the oldest beyond its bound, and writes the rest later", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    const writer = createLogWriter({ database, logger, maxQueue: 500, flushIntervalMs: 10 });
    for (let index = 0; index < 300; index += 1) writer.record(record(index));
    await writer.flush();
    for (let index = 300; index < 800; index += 1) writer.record(record(index));
    expect(writer.dropped).toBe(300);
    await database.migrate();
    await expect.poll(() => countRows(database), { timeout: 10_000, interval: 50 }).toBe(500);
    const [newest] = await selectRecentRequests(database, 1);
    expect(newest?.id).toBe("req_799");
    await writer.close();
  });

  it("gives up in bounded time at the end, and says how many it lost", async () => {
    test = await createTestDatabase(kind);
    const database = await test.open();
    const writer = createLogWriter({ database, logger, closeTimeoutMs: 500 });
    for (let index = 0; index < 150; index += 1) writer.record(record(index));
    await database.db.execute(sql`select 1`);
    const startedAt = performance.now();
    await writer.close();
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(writer.dropped).toBe(150);
    writer.record(record(1));
    expect(writer.dropped).toBe(151);
  });
});

describe.skipIf(testDatabaseUrl === undefined)("the request log of a server that goes away", () => {
  it("has every record once, in whatever moment the connections are cut", async () => {
    const { database, gate } = await openGatedDatabase();
    const writer = createLogWriter({ database, logger, flushIntervalMs: 5, batchMax: 20 });
    for (let round = 0; round < 10; round += 1) {
      for (let index = 0; index < 200; index += 1) writer.record(record(round * 200 + index));
      const flushed = writer.flush();
      if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      gate.shut();
      await flushed;
      gate.open();
    }
    const flushAndCount = async (): Promise<unknown> => {
      await writer.flush();
      return await countRows(database).catch(() => undefined);
    };
    await expect.poll(flushAndCount, { timeout: 15_000, interval: 100 }).toBe(2000);
    expect(writer.dropped).toBe(0);
    await writer.close();
  });
});
