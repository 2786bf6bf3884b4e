import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limitInFlight } from "./in-flight-limiter.ts";
import { KeyLimiter } from "./key-limiter.ts";
import type { Verdict } from "./types.ts";

function limiterAt(options: { requestsPerMinute?: number; maxConcurrency?: number; maxKeys?: number }) {
  const clock = { now: 0 };
  const limiter = new KeyLimiter({ requestsPerMinute: 0, maxConcurrency: 0, now: () => clock.now, ...options });
  return { clock, limiter };
}

const isAdmitted = (verdict: Verdict): boolean => verdict.admitted;

describe("KeyLimiter", () => {
  it("lets exactly 100 of 200 calls through a limit of 100, and counts keys apart", () => {
    const { limiter } = limiterAt({ requestsPerMinute: 100 });
    const verdicts = Array.from({ length: 200 }, () => limiter.reserve("a"));
    expect(verdicts.filter(isAdmitted).length).toBe(100);
    expect(limiter.reserve("b").admitted).toBe(true);
  });

  it("never lets more than the limit through in any 60 seconds, and keeps its word on when to come back", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 15_000 }), { minLength: 20, maxLength: 200 });
    fc.assert(
      fc.property(gaps, (steps) => {
        const { clock, limiter } = limiterAt({ requestsPerMinute: 5 });
        const admitted: number[] = [];
        for (const step of steps) {
          clock.now += step;
          let verdict = limiter.reserve("a");
          if (!verdict.admitted) {
            clock.now += verdict.retryAfterMs;
            verdict = limiter.reserve("a");
          }
          expect(verdict.admitted).toBe(true);
          admitted.push(clock.now);
        }
        for (const end of admitted) {
          expect(admitted.filter((time) => time <= end && time > end - 60_000).length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });

  it("tells what is left of the limit and when all of it is back", () => {
    const { clock, limiter } = limiterAt({ requestsPerMinute: 2 });
    expect(limiter.reserve("a")).toMatchObject({ quota: { limit: 2, remaining: 1, resetMs: 61_000 } });
    clock.now = 30_500;
    expect(limiter.reserve("a")).toMatchObject({ quota: { limit: 2, remaining: 0, resetMs: 60_500 } });
    expect(limiter.reserve("a")).toMatchObject({
      admitted: false,
      reason: "rate",
      retryAfterMs: 30_500,
      quota: { limit: 2, remaining: 0, resetMs: 60_500 },
    });
  });

  it("lets as many run at a time as may, and takes back each place once", () => {
    const { limiter } = limiterAt({ maxConcurrency: 2 });
    const [first, second] = [limiter.reserve("a"), limiter.reserve("a")];
    expect(limiter.reserve("a")).toEqual({ admitted: false, reason: "concurrency", retryAfterMs: 1000 });
    if (first.admitted) {
      first.release();
      first.release();
    }
    expect(limiter.reserve("a").admitted).toBe(true);
    expect(limiter.reserve("a").admitted).toBe(false);
    expect(second.admitted).toBe(true);
  });

  it("does not take a request of the minute from a key that has too many under way", () => {
    const { limiter } = limiterAt({ requestsPerMinute: 2, maxConcurrency: 1 });
    const first = limiter.reserve("a");
    expect(limiter.reserve("a")).toMatchObject({ reason: "concurrency", quota: { remaining: 1 } });
    if (first.admitted) first.release();
    expect(limiter.reserve("a").admitted).toBe(true);
  });

  it("remembers a bounded number of keys: those with requests under way, then those used last", () => {
    const { limiter } = limiterAt({ requestsPerMinute: 1, maxConcurrency: 5, maxKeys: 100 });
    limiter.reserve("running");
    for (let index = 0; index < 1000; index += 1) {
      const verdict = limiter.reserve(`key-${index}`);
      if (verdict.admitted) verdict.release();
    }
    expect(limiter.size).toBe(100);
    expect(limiter.reserve("running").admitted).toBe(false);
    expect(limiter.reserve("key-999").admitted).toBe(false);
    expect(limiter.reserve("key-0").admitted).toBe(true);
  });
});

describe("limitInFlight", () => {
  it("holds all keys together below the cap, and gives back what a key's own limit refuses", () => {
    const { limiter } = limiterAt({ maxConcurrency: 2 });
    const capped = limitInFlight(3, limiter);
    const verdicts = ["a", "a", "a", "b", "c"].map((keyId) => capped.reserve(keyId) as Verdict);
    expect(verdicts.map((verdict) => (verdict.admitted ? "in" : verdict.reason))).toEqual([
      "in",
      "in",
      "concurrency",
      "in",
      "full",
    ]);
    for (const verdict of verdicts) if (verdict.admitted) verdict.release();
    expect((capped.reserve("c") as Verdict).admitted).toBe(true);
  });

  it("counts while a limiter that answers later is asked", async () => {
    const answer = Promise.withResolvers<Verdict>();
    const capped = limitInFlight(1, { reserve: () => answer.promise });
    const first = capped.reserve("a");
    expect(capped.reserve("b")).toMatchObject({ reason: "full" });
    answer.resolve({ admitted: false, reason: "away", retryAfterMs: 1 });
    await expect(first).resolves.toMatchObject({ reason: "away" });
    await expect(capped.reserve("b")).resolves.toMatchObject({ reason: "away" });
  });
});
