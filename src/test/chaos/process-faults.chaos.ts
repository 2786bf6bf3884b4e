/** Agents and CLIs as real processes that are killed, stopped, drained, and misbehave. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProxyHarness, type ProxyHarness } from "../proxy-harness.ts";
import { playProcessRun } from "./process-run.ts";
import { SCENARIOS } from "./process-scenarios.ts";
import { PROCESS_ENV } from "./process-stage.ts";
import { saveTally } from "./results.ts";
import { RowBook } from "./row-book.ts";
import { EXPECTS_EVERY_FAULT, inParallel, PROCESS_SEEDS } from "./settings.ts";
import { PROCESS_TITLE, Tally } from "./tally.ts";
import { summarise } from "./trace.ts";

/** Each with a proxy of its own, since all real agents offer the same models. */
const LANES = 5;

const kinds = SCENARIOS.map(({ name }) => name);
const tally = new Tally(PROCESS_TITLE, kinds);
let lanes: { readonly proxy: ProxyHarness; readonly rows: RowBook }[] = [];

beforeAll(async () => {
  const count = Math.min(LANES, PROCESS_SEEDS.length);
  const proxies = await Promise.all(Array.from({ length: count }, () => startProxyHarness(PROCESS_ENV)));
  lanes = proxies.map((proxy) => ({ proxy, rows: new RowBook(proxy.runtime.live) }));
});

afterAll(async () => {
  await Promise.all(lanes.map(({ proxy }) => proxy.close()));
});

describe.skipIf(PROCESS_SEEDS.length === 0)("real agents and CLIs that are killed, stopped and misbehave", () => {
  it(`give every client the CLI's exact text or an error, and leave no process, in ${PROCESS_SEEDS.length} seeded runs`, async () => {
    const failures: string[] = [];
    const startedAt = performance.now();
    await inParallel(PROCESS_SEEDS, lanes.length, async (seed, index) => {
      const lane = lanes[index];
      if (lane === undefined) throw new Error("no such lane");
      const { views, problems, repeats, report } = await playProcessRun(seed, {
        ...lane,
        onFault: (scenario) => tally.fault(scenario),
      });
      tally.run(views, problems.length, repeats);
      if (problems.length > 0) failures.push(report);
    });
    const elapsedMs = performance.now() - startedAt;
    process.stdout.write(`${tally.table(elapsedMs)}\n`);
    saveTally("process", tally, elapsedMs);
    expect(summarise(failures)).toBe("");
  });

  it.runIf(EXPECTS_EVERY_FAULT)("played every scenario", () => {
    expect(tally.missing).toEqual([]);
  });
});
