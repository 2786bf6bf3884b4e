import { beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../http/errors.ts";
import { KeyCache, type ClientKey, type KeyCacheOptions } from "./key-cache.ts";

const away = () => Promise.reject(new GatewayError("database_unavailable", "away"));
const alice: ClientKey = { id: "key_a", name: "alice" };

let nowMs: number;
let loads: string[];
let answer: (hash: string) => Promise<ClientKey | undefined>;

function newCache(options: Partial<KeyCacheOptions> = {}): KeyCache {
  return new KeyCache({
    load: (hash) => {
      loads.push(hash);
      return answer(hash);
    },
    now: () => nowMs,
    refreshWaitMs: 20,
    ...options,
  });
}

beforeEach(() => {
  nowMs = 1000;
  loads = [];
  answer = async (hash) => (hash === "a" ? alice : undefined);
});

describe("KeyCache", () => {
  it("asks once for a known key within a minute, and once for many requests at the same time", async () => {
    const cache = newCache();
    expect(await Promise.all([cache.get("a"), cache.get("a"), cache.get("a")])).toEqual([alice, alice, alice]);
    nowMs += 59_000;
    expect(await cache.get("a")).toEqual(alice);
    expect(loads).toEqual(["a"]);
  });

  it("refreshes in the background after a minute, without making the request wait", async () => {
    const cache = newCache();
    await cache.get("a");
    nowMs += 61_000;
    answer = () => new Promise(() => undefined);
    expect(await cache.get("a")).toEqual(alice);
    expect(loads).toEqual(["a", "a"]);
  });

  it("waits for the refresh of a key that was not used for long, so that one revoked elsewhere does not work once more", async () => {
    const cache = newCache();
    await cache.get("a");
    nowMs += 10 * 60_000;
    answer = async () => undefined;
    expect(await cache.get("a")).toBeUndefined();
  });

  it("keeps a known key for an hour while the database is away, and not longer", async () => {
    const cache = newCache();
    await cache.get("a");
    answer = away;
    nowMs += 59 * 60_000;
    expect(await cache.get("a")).toEqual(alice);
    nowMs += 60_001;
    await expect(cache.get("a")).rejects.toMatchObject({ code: "database_unavailable" });
  });

  it("does not wait for a database that hangs longer than a moment, nor again right after", async () => {
    const cache = newCache();
    await cache.get("a");
    answer = () => new Promise(() => undefined);
    nowMs += 10 * 60_000;
    expect(await cache.get("a")).toEqual(alice);
    const startedAt = performance.now();
    for (let index = 0; index < 50; index += 1) expect(await cache.get("a")).toEqual(alice);
    expect(performance.now() - startedAt).toBeLessThan(50 * 20);
  });

  it("refuses an unknown key for five seconds without asking again, then asks", async () => {
    const cache = newCache();
    expect(await cache.get("x")).toBeUndefined();
    nowMs += 4900;
    expect(await cache.get("x")).toBeUndefined();
    expect(loads).toEqual(["x"]);
    nowMs += 200;
    await cache.get("x");
    expect(loads).toEqual(["x", "x"]);
  });

  it("says so when an unknown key cannot be looked up, and asks again at the next request", async () => {
    const cache = newCache();
    answer = away;
    await expect(cache.get("a")).rejects.toMatchObject({ code: "database_unavailable", status: 503 });
    answer = async () => alice;
    expect(await cache.get("a")).toEqual(alice);
  });

  it("drops a revoked key at once, also when a lookup that began before ends after", async () => {
    const cache = newCache();
    await cache.get("a");
    let finish: (key: ClientKey) => void = () => undefined;
    answer = () => new Promise((resolve) => (finish = resolve));
    nowMs += 61_000;
    await cache.get("a");
    cache.revoke("key_a");
    finish(alice);
    expect(await cache.get("a")).toBeUndefined();
  });

  it("bounds the keys it remembers", async () => {
    const small = newCache({ maxEntries: 3 });
    answer = async (hash) => ({ id: hash, name: hash });
    for (const hash of ["1", "2", "3", "4"]) await small.get(hash);
    loads = [];
    for (const hash of ["2", "3", "4", "1"]) await small.get(hash);
    expect(loads).toEqual(["1"]);
  });
});
