import { Pool } from "undici";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { percentile } from "../test/percentile.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";

/** A part of the hundred thousand that a minute may bring, at a higher rate; `HOSTILE_KEYS=100000` runs them all. */
const GUESSES = Number(process.env["HOSTILE_KEYS"] ?? 4000);
const CONNECTIONS = 32;

let proxy: ProxyHarness;
beforeAll(async () => {
  proxy = await startProxyHarness();
});
afterAll(() => proxy.close());

it("a flood of guessed keys costs few questions, few rows and no memory, and valid keys do not notice", async () => {
  const pool = new Pool(proxy.url, { connections: CONNECTIONS + 1 });
  const ask = async (key: string, path: string): Promise<number> => {
    const { statusCode, body } = await pool.request({
      path,
      method: path === "/v1/models" ? "GET" : "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: path === "/v1/models" ? null : "{}",
    });
    await body.dump();
    return statusCode;
  };
  expect(await ask(proxy.apiKey, "/v1/models")).toBe(200);
  const questions = vi.spyOn(proxy.runtime.database.db, "select");
  const statuses = new Map<number, number>();
  let next = 0;
  const isUnderWay = (): boolean => next < GUESSES;
  const guesser = async (number: number): Promise<void> => {
    while (next < GUESSES) {
      next += 1;
      if (next > GUESSES / 2) halfwayRss ??= process.memoryUsage().rss;
      // Half of them at the endpoint that writes rows.
      const status = await ask(`cw_guess${next}`, number % 2 === 0 ? "/v1/models" : "/v1/chat/completions");
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const startedAt = performance.now();
  let halfwayRss: number | undefined;
  const flood = Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => guesser(number)));
  const latencies: number[] = [];
  while (isUnderWay()) {
    const askedAt = performance.now();
    expect(await ask(proxy.apiKey, "/v1/models")).toBe(200);
    latencies.push(performance.now() - askedAt);
  }
  await flood;
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();

  expect([...statuses]).toEqual([[401, GUESSES]]);
  expect(questions.mock.calls.length).toBeLessThan(100 * seconds + 10);
  const rows = proxy.runtime.live.recent().filter(({ keyId }) => keyId === null);
  expect(rows.length).toBeLessThanOrEqual(20 + seconds + 1);
  const grownRss = process.memoryUsage().rss - (halfwayRss ?? 0);
  expect(grownRss).toBeLessThan(64 * 1024 * 1024);
  expect(percentile(latencies, 0.5)).toBeLessThan(250);
  process.stdout.write(
    `${GUESSES} guesses in ${seconds.toFixed(1)} s: ${questions.mock.calls.length} questions, ${rows.length} rows, valid key p50 ${percentile(latencies, 0.5).toFixed(1)} ms p99 ${percentile(latencies, 0.99).toFixed(1)} ms, RSS in the second half ${(grownRss / 1e6).toFixed(0)} MB\n`,
  );
}, 120_000);
