import { describe, expect, it } from "vitest";
import { ledgerStateSchema, MAX_REMEMBERED, UsageLedger } from "./usage-ledger.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = new Date(2026, 10, 25, 12).getTime();
const known = (tokens: number) => ({ tokens, isEstimate: false });

describe("the hour", () => {
  it("slides: each request counts for sixty minutes from when it was taken", () => {
    const ledger = new UsageLedger(NOON);
    ledger.reserve(NOON, 0);
    ledger.reserve(NOON + HOUR / 2, 0);
    expect(ledger.requestsInHour(NOON + HOUR - 1)).toBe(2);
    expect(ledger.belowLimitAt(NOON + HOUR - 1, 2)).toBe(NOON + HOUR);
    expect(ledger.requestsInHour(NOON + HOUR)).toBe(1);
    expect(ledger.belowLimitAt(NOON + HOUR, 2)).toBe(NOON + HOUR);
    expect(ledger.belowLimitAt(NOON + HOUR, 1)).toBe(NOON + HOUR * 1.5);
  });

  it("counts what runs, and forgets what did not run after all, once", () => {
    const ledger = new UsageLedger(NOON);
    const first = ledger.reserve(NOON, 0);
    ledger.reserve(NOON, 0);
    expect(ledger.requestsInHour(NOON)).toBe(2);
    ledger.release(first);
    ledger.release(first);
    ledger.settle(NOON, first, known(50));
    expect(ledger.requestsInHour(NOON)).toBe(1);
    expect(ledger.tokensToday(NOON).tokens).toBe(0);
  });

  it("remembers no more than any limit needs", () => {
    const ledger = new UsageLedger(NOON);
    for (let count = 0; count <= MAX_REMEMBERED; count += 1) ledger.reserve(NOON, 0);
    expect(ledger.requestsInHour(NOON)).toBe(MAX_REMEMBERED);
    expect(ledgerStateSchema.safeParse(ledger.state(NOON)).success).toBe(true);
  });
});

describe("the day", () => {
  it("holds an estimate for what runs, and has its true use once it has ended", () => {
    const ledger = new UsageLedger(NOON);
    const running = ledger.reserve(NOON, 100);
    expect(ledger.tokensToday(NOON)).toEqual({ tokens: 100, estimatedTokens: 100 });
    ledger.settle(NOON, running, known(30));
    ledger.settle(NOON, running, known(30));
    expect(ledger.tokensToday(NOON)).toEqual({ tokens: 30, estimatedTokens: 0 });
    ledger.settle(NOON, ledger.reserve(NOON, 0), { tokens: 7, isEstimate: true });
    expect(ledger.tokensToday(NOON)).toEqual({ tokens: 37, estimatedTokens: 7 });
  });

  it("begins anew at midnight", () => {
    const ledger = new UsageLedger(NOON);
    ledger.settle(NOON, ledger.reserve(NOON, 0), known(30));
    const midnight = new Date(2026, 10, 26).getTime();
    expect(ledger.tokensToday(midnight - 1).tokens).toBe(30);
    expect(ledger.tokensToday(midnight).tokens).toBe(0);
  });
});

describe("a restart", () => {
  it("forgets nothing, not even what ran when the process was killed", () => {
    const before = new UsageLedger(NOON);
    before.settle(NOON, before.reserve(NOON, 0), known(30));
    before.reserve(NOON + 1, 100);
    const after = new UsageLedger(NOON + 2, before.state(NOON + 2));
    expect(after.requestsInHour(NOON + 2)).toBe(2);
    expect(after.tokensToday(NOON + 2)).toEqual({ tokens: 130, estimatedTokens: 100 });
  });
});

describe("a clock that is set", () => {
  it("back by years unlocks nothing, and locks for no longer than the hour and the day", () => {
    const ledger = new UsageLedger(NOON);
    ledger.settle(NOON, ledger.reserve(NOON, 0), known(30));
    const past = NOON - 1000 * DAY;
    expect(ledger.requestsInHour(past)).toBe(1);
    expect(ledger.tokensToday(past).tokens).toBe(30);
    expect(ledger.requestsInHour(past + HOUR)).toBe(0);
    expect(ledger.tokensToday(past + DAY).tokens).toBe(0);
  });

  it("forward and back again begins the count anew once, and counts on from there", () => {
    const ledger = new UsageLedger(NOON);
    ledger.settle(NOON, ledger.reserve(NOON, 0), known(30));
    const future = NOON + 1000 * DAY;
    expect(ledger.requestsInHour(future)).toBe(0);
    ledger.settle(future, ledger.reserve(future, 0), known(5));
    expect(ledger.requestsInHour(NOON)).toBe(1);
    expect(ledger.tokensToday(NOON).tokens).toBe(5);
    expect(ledger.requestsInHour(NOON + HOUR)).toBe(0);
  });
});
