import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RetryBudget } from "./retry-budget.ts";

describe("RetryBudget", () => {
  it("never spares more retries than ten, a quarter of the requests and one in ten seconds, in any stretch of time", () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 3000 }), retries: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(300), (steps, skip) => {
        const budget = new RetryBudget(0);
        let now = 0;
        let requests = 0;
        let retries = 0;
        let since = 0;
        for (const [index, { afterMs, retries: wanted }] of steps.entries()) {
          if (index === skip) [requests, retries, since] = [0, 0, now];
          now += afterMs;
          requests += 1;
          budget.deposit(now);
          for (let count = 0; count < wanted; count += 1) if (budget.take(now)) retries += 1;
          expect(retries).toBeLessThanOrEqual(10 + requests / 4 + (now - since) / 10_000 + 1e-9);
        }
      }),
    );
  });

  it("spares ten at once, then one for every fourth request", () => {
    const budget = new RetryBudget(0);
    const take = (times: number) => Array.from({ length: times }, () => budget.take(0)).filter(Boolean).length;
    expect(take(20)).toBe(10);
    for (let count = 0; count < 8; count += 1) budget.deposit(0);
    expect(take(20)).toBe(2);
  });

  it("lets little traffic retry too: an empty one fills with time, up to its bound", () => {
    const budget = new RetryBudget(0);
    while (budget.take(0));
    expect(budget.take(9_999)).toBe(false);
    expect(budget.take(10_000)).toBe(true);
    expect(budget.isFull(10_000)).toBe(false);
    expect(budget.isFull(1e9)).toBe(true);
    expect(Array.from({ length: 20 }, () => budget.take(1e9)).filter(Boolean)).toHaveLength(10);
  });
});
