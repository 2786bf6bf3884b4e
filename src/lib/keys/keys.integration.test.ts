import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { openGatedDatabase } from "../../test/gated-database.ts";
import { createTestDatabase, databaseKinds, testDatabaseUrl, type TestDatabase } from "../../test/test-database.ts";
import type { Database } from "../db/client.ts";
import { settings } from "../db/schema/settings.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { resolveAdminKey } from "./admin-key.ts";
import { generateClientKey } from "./generate.ts";
import { createKeyStore, ensureFirstKey } from "./key-store.ts";

const logger = silentLogger;

describe.each(databaseKinds)("keys on %s", (kind) => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await createTestDatabase(kind);
    database = await test.open();
    await database.migrate();
  });
  beforeEach(async () => {
    await database.db.execute(sql`truncate agents, client_keys, settings`);
  });
  afterAll(() => test.remove());

  it("are known from the moment they are made, in this process and in others, and stored as a hash only", async () => {
    const [store, other] = [createKeyStore({ database, logger }), createKeyStore({ database, logger })];
    const { key, id } = await store.create("laptop");
    expect(await store.authenticate(key)).toEqual({ id, name: "laptop" });
    expect(await other.authenticate(key)).toEqual({ id, name: "laptop" });
    const { rows } = await database.db.execute(sql`select row_to_json(k)::text as text from client_keys k`);
    expect(rows[0]?.["text"]).not.toContain(key.slice(11));
  });

  it("are refused when changed, empty, of another kind or too long", async () => {
    const store = createKeyStore({ database, logger });
    const { key } = await store.create("laptop");
    for (const token of [
      `${key}x`,
      key.slice(0, -1),
      "",
      "cw_",
      "sk-abc",
      `cw_${"x".repeat(10_000)}`,
      "cw_' or 1=1 --",
    ]) {
      expect(await store.authenticate(token)).toBeUndefined();
    }
  });

  it("are found among a thousand unknown ones that are looked up at the same time", async () => {
    const { key, id } = await createKeyStore({ database, logger }).create("laptop");
    const store = createKeyStore({ database, logger });
    const flood = Array.from({ length: 1000 }, async () => await store.authenticate(generateClientKey()));
    expect(await store.authenticate(key)).toEqual({ id, name: "laptop" });
    expect(new Set(await Promise.all(flood))).toEqual(new Set([undefined]));
  });

  it("get 503 while the database is away, each one of many that are looked up at the same time", async () => {
    const closed = await createTestDatabase(kind);
    const gone = await closed.open();
    await closed.remove();
    const store = createKeyStore({ database: gone, logger });
    const flood = Array.from({ length: 50 }, async () => await store.authenticate(generateClientKey()));
    for (const refused of await Promise.allSettled(flood)) {
      expect(refused).toMatchObject({ status: "rejected", reason: { code: "database_unavailable" } });
    }
  });

  it("have no name and no id that cannot be stored", async () => {
    const store = createKeyStore({ database, logger });
    await expect(store.create("a\0b")).rejects.toMatchObject({ code: "invalid_value", status: 400 });
    expect(await store.revoke("key_\0")).toBeUndefined();
    expect(await store.list()).toEqual([]);
  });

  it("stop working at once when revoked; a repeat keeps the first time; an unknown id is told", async () => {
    const store = createKeyStore({ database, logger });
    const { key, id } = await store.create("laptop");
    await store.authenticate(key);
    const first = await store.revoke(id);
    expect(await store.authenticate(key)).toBeUndefined();
    expect((await store.revoke(id))?.revokedAt).toEqual(first?.revokedAt);
    expect(await store.revoke("key_unknown")).toBeUndefined();
    expect((await store.list()).map((row) => [row.id, row.revokedAt !== null])).toEqual([[id, true]]);
  });

  it("remember when they were last used, written together", async () => {
    const store = createKeyStore({ database, logger });
    const { key, id } = await store.create("laptop");
    const unused = await store.create("unused");
    const before = Date.now();
    await store.authenticate(key);
    await store.close();
    const usedAt = new Map((await store.list()).map((row) => [row.id, row.lastUsedAt?.getTime()]));
    expect(usedAt.get(id)).toBeGreaterThanOrEqual(before);
    expect(usedAt.get(unused.id)).toBeUndefined();
  });

  it("come with one for the quick start, made once, also by two at the same time", async () => {
    const store = createKeyStore({ database, logger });
    const made = await Promise.all([ensureFirstKey(store), ensureFirstKey(createKeyStore({ database, logger }))]);
    expect(made.filter((key) => key !== undefined)).toHaveLength(1);
    const [row] = await store.list();
    expect(row?.name).toBe("quick-start");
    await store.revoke(row?.id ?? "");
    expect(await ensureFirstKey(store)).toBeUndefined();
  });

  it("have an admin key of the environment, which the database is not asked for", async () => {
    const closed = await createTestDatabase(kind);
    const unused = await closed.open();
    await closed.remove();
    const adminKey = await resolveAdminKey({ fromEnv: "an admin key of mine", database: unused, logger });
    expect([adminKey.isReady, adminKey.generated]).toEqual([true, undefined]);
    expect([adminKey.verify("an admin key of mine"), adminKey.verify("another"), adminKey.verify("")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("have an admin key that is generated once, told once, and the same after a restart", async () => {
    const told: string[] = [];
    const options = { fromEnv: undefined, database, logger, onGenerated: (key: string) => told.push(key) };
    const [first, twin] = await Promise.all([resolveAdminKey(options), resolveAdminKey(options)]);
    expect(told).toEqual([first.generated ?? twin.generated]);
    expect([first.generated, twin.generated].filter((generated) => generated !== undefined)).toEqual(told);
    const key = told[0] ?? "";
    const restarted = await resolveAdminKey(options);
    expect([first, twin, restarted].map((adminKey) => adminKey.verify(key))).toEqual([true, true, true]);
    expect([restarted.generated, told]).toEqual([undefined, [key]]);
    expect(restarted.signingKey()).toEqual(first.signingKey());
    const { rows } = await database.db.execute(sql`select value::text as text from settings`);
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  it("have an admin key that is told also where the answer to its storing was lost", async () => {
    const told: string[] = [];
    const insert = database.db.insert.bind(database.db);
    vi.spyOn(database.db, "insert").mockImplementationOnce(
      () =>
        ({
          values: (row: typeof settings.$inferInsert) => ({
            onConflictDoNothing: () => ({
              returning: async () => {
                await insert(settings).values(row);
                throw new Error("Connection terminated unexpectedly");
              },
            }),
          }),
        }) as never,
    );
    onTestFinished(() => void vi.restoreAllMocks());
    const options = { fromEnv: undefined, database, logger, onGenerated: (key: string) => told.push(key) };
    const adminKey = await resolveAdminKey(options);
    expect([adminKey.isReady, adminKey.generated, told]).toEqual([false, undefined, []]);
    await expect.poll(() => adminKey.isReady, { timeout: 5000 }).toBe(true);
    expect(told).toEqual([adminKey.generated]);
    expect(adminKey.verify(told[0] ?? "")).toBe(true);
  });

  it("refuse every admin key until a database that was away at the start is back", async () => {
    const late = await createTestDatabase(kind);
    try {
      const unmigrated = await late.open();
      const told: string[] = [];
      const adminKey = await resolveAdminKey({
        fromEnv: undefined,
        database: unmigrated,
        logger,
        onGenerated: (key) => told.push(key),
      });
      expect([adminKey.isReady, adminKey.verify("anything"), adminKey.signingKey()]).toEqual([false, false, undefined]);
      await unmigrated.migrate();
      await expect.poll(() => adminKey.isReady, { timeout: 10_000 }).toBe(true);
      const [key = ""] = told;
      expect([told, adminKey.verify(key), adminKey.generated]).toEqual([[key], true, key]);
      adminKey.close();
    } finally {
      await late.remove();
    }
  });
});

describe.skipIf(testDatabaseUrl === undefined)("keys on a server that goes away", () => {
  it("keep working when they were seen before; others get 503 until it is back", async () => {
    const { database, gate } = await openGatedDatabase();
    const store = createKeyStore({ database, logger, cache: { freshMs: 0, awaitRefreshMs: 0 } });
    const [known, unseen] = [await store.create("known"), await store.create("unseen")];
    await store.authenticate(known.key);
    gate.shut();
    expect(await store.authenticate(known.key)).toMatchObject({ name: "known" });
    const refused = { code: "database_unavailable", status: 503, retryAfterMs: 1000 };
    await expect(store.authenticate(unseen.key)).rejects.toMatchObject(refused);
    await expect(store.create("new")).rejects.toMatchObject(refused);
    gate.open();
    expect(await store.authenticate(unseen.key)).toMatchObject({ name: "unseen" });
    gate.stall();
    const startedAt = performance.now();
    expect(await store.authenticate(known.key)).toMatchObject({ name: "known" });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    gate.open();
    await store.close();
  });
});
