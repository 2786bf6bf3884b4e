import { describe, expect, it, vi } from "vitest";
import { silentLogger } from "../telemetry/logger.ts";
import type { RequestRecord } from "../usage/record.ts";
import type { HomeLine } from "./home-line.ts";
import { createRowCourier } from "./row-courier.ts";

const row = (id: number): RequestRecord => ({ id: `req_${id}` }) as unknown as RequestRecord;

/** A home that takes rows when it is told to. */
function createHome() {
  const taken: string[] = [];
  let lost = 0;
  const home = { isAway: false, gate: Promise.resolve(), taken, lost: () => lost };
  const ask = (async (question: { rows: RequestRecord[]; lost: number }) => {
    await home.gate;
    if (home.isAway) throw new Error("away");
    taken.push(...question.rows.map(({ id }) => id));
    lost += question.lost;
    return null;
  }) as unknown as HomeLine["ask"];
  return { home, courier: createRowCourier({ ask }, silentLogger) };
}

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `req_${from + index}`);

describe("createRowCourier", () => {
  it("brings rows in batches, in order, without being told to", async () => {
    vi.useFakeTimers();
    try {
      const { home, courier } = createHome();
      for (let id = 0; id < 3; id += 1) courier.record(row(id));
      await vi.advanceTimersByTimeAsync(150);
      expect(home.taken).toEqual(ids(0, 3));
    } finally {
      vi.useRealTimers();
    }
  });

  it("sends again what a home that was away did not take", async () => {
    const { home, courier } = createHome();
    home.isAway = true;
    for (let id = 0; id < 10; id += 1) courier.record(row(id));
    await courier.flush();
    expect(home.taken).toEqual([]);
    home.isAway = false;
    courier.record(row(10));
    await courier.flush();
    expect(home.taken).toEqual(ids(0, 11));
    expect(home.lost()).toBe(0);
  });

  it("loses the oldest beyond its bound, and tells how many", async () => {
    const { home, courier } = createHome();
    const gate = Promise.withResolvers<void>();
    home.gate = gate.promise;
    for (let id = 0; id < 10_200; id += 1) courier.record(row(id));
    gate.resolve();
    await courier.flush();
    expect(home.taken.length + home.lost()).toBe(10_200);
    expect(home.lost()).toBeGreaterThan(0);
    expect(home.lost()).toBeLessThanOrEqual(200);
    expect(home.taken.at(-1)).toBe("req_10199");
  });

  it("flushes what is recorded while a delivery is under way", async () => {
    const { home, courier } = createHome();
    for (let id = 0; id < 150; id += 1) courier.record(row(id));
    const flushed = courier.flush();
    for (let id = 150; id < 700; id += 1) courier.record(row(id));
    await flushed;
    expect(home.taken).toEqual(ids(0, 700));
  });
});
