/** Agents in this process behind lines that lose, repeat, delay and break what passes: one share of the seeds. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProxyHarness, type ProxyHarness } from "../proxy-harness.ts";
import { createCalmGate } from "./calm-gate.ts";
import { NETWORK_FAULTS } from "./faults.ts";
import { installJumpingClock } from "./jumping-clock.ts";
import { playNetworkRun } from "./network-run.ts";
import { saveTally } from "./results.ts";
import { RowBook } from "./row-book.ts";
import { EXPECTS_EVERY_FAULT, inParallel, networkSeeds, PROXY_ENV, until } from "./settings.ts";
import { NETWORK_TITLE, Tally } from "./tally.ts";
import { summarise } from "./trace.ts";

/** At most; fewer where the machine is busy. */
const AT_ONCE = 28;

/** Registers the tests of one share. */
export function testNetworkRuns(shard: number): void {
  const seeds = networkSeeds(shard);
  const tally = new Tally(NETWORK_TITLE, NETWORK_FAULTS);
  const leftovers: Promise<unknown>[] = [];
  const clock = installJumpingClock();
  const calm = createCalmGate();
  let proxy: ProxyHarness;
  let rows: RowBook;

  beforeAll(async () => {
    proxy = await startProxyHarness(PROXY_ENV);
    rows = new RowBook(proxy.runtime.live);
  });

  afterAll(async () => {
    await Promise.all(leftovers);
    rows.close();
    await proxy.close();
    clock.restore();
  });

  describe.skipIf(seeds.length === 0)("a network that loses, repeats, delays and breaks what passes", () => {
    it(`gives every client the CLI's exact text or an error, in ${seeds.length} seeded runs`, async () => {
      const failures: string[] = [];
      const startedAt = performance.now();
      await inParallel(seeds, AT_ONCE, async (seed) => {
        await calm();
        const context = { proxy, rows, clock, leftovers, onFault: (fault: string) => tally.fault(fault) };
        const { views, problems, repeats, report } = await playNetworkRun(seed, context);
        tally.run(views, problems.length, repeats);
        if (problems.length > 0) failures.push(report);
      });
      const elapsedMs = performance.now() - startedAt;
      process.stdout.write(`${tally.table(elapsedMs)}\n`);
      saveTally(`network-${shard}`, tally, elapsedMs);
      expect(summarise(failures)).toBe("");
    });

    it("leaves nothing in the manager", async () => {
      await Promise.all(leftovers);
      const { manager, live } = proxy.runtime;
      await until(() => manager.status().agents.length === 0, 5000);
      expect(manager.status()).toEqual({ agents: [], pendingRequests: 0, queuedRequests: 0, oldestPendingMs: null });
      expect(live.inFlightCount).toBe(0);
    });

    it.runIf(EXPECTS_EVERY_FAULT)("met every kind of fault, many successes and many errors", () => {
      expect(tally.missing).toEqual([]);
      expect(tally.done).toBeGreaterThan(seeds.length);
      expect(tally.failed).toBeGreaterThan(seeds.length / 10);
    });
  });
}
