import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, GatewayError, isErrorCode } from "../http/errors.ts";
import { timeoutError } from "../providers/transports/http-errors.ts";
import { countsAgainstTarget, isGuarded, mayAskAgain, planRetryWait } from "./retry-policy.ts";

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const codes = Object.keys(ERROR_CODES).filter(isErrorCode);

it("does not hold against a target what a field of the request has brought about", () => {
  expect(countsAgainstTarget(new GatewayError("upstream_incomplete", "fewer choices", { param: "n" }))).toBe(false);
  expect(countsAgainstTarget(new GatewayError("upstream_incomplete", "cut off"))).toBe(true);
});

describe("planRetryWait", () => {
  const plan = fc.record({
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
    maxWaitMs: fc.integer({ min: 0, max: 10_000 }),
    remainingMs: fc.integer({ min: -1000, max: 30_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });

  it("waits as long as the upstream asked for at least, the bound at most, and never to the deadline", () => {
    fc.assert(
      fc.property(plan, (given) => {
        const waitMs = planRetryWait(given);
        if (waitMs === undefined) return;
        expect(waitMs).toBeGreaterThanOrEqual(given.retryAfterMs ?? 0);
        expect(waitMs).toBeLessThanOrEqual(given.maxWaitMs);
        expect(waitMs).toBeLessThan(given.remainingMs);
      }),
    );
  });

  it("does not wait for an upstream that asks for more than the bound, for one that the deadline cuts off, or when off", () => {
    const base = { retryAfterMs: 1000, maxWaitMs: 5000, remainingMs: 60_000, random: 0 };
    expect(planRetryWait(base)).toBe(1000);
    expect(planRetryWait({ ...base, retryAfterMs: 5001 })).toBeUndefined();
    expect(planRetryWait({ ...base, remainingMs: 1000 })).toBeUndefined();
    expect(planRetryWait({ ...base, maxWaitMs: 0, retryAfterMs: 0 })).toBeUndefined();
  });

  it("spreads the waits that nobody asked for over half a second", () => {
    const wait = (random: number) =>
      planRetryWait({ retryAfterMs: undefined, maxWaitMs: 5000, remainingMs: 60_000, random });
    expect([wait(0), wait(0.5), wait(0.998)]).toEqual([0, 250, 499]);
  });
});

describe("mayAskAgain", () => {
  it("is so for faults of an upstream that may be over in a moment, and for no other code", () => {
    expect(codes.filter((code) => mayAskAgain(new GatewayError(code, "x"))).toSorted()).toEqual([
      "rate_limit_exceeded",
      "upstream_connection_failed",
      "upstream_error",
      "upstream_overloaded",
      "upstream_timeout",
    ]);
  });

  it.each([
    ["tokens were used", new GatewayError("upstream_error", "x", { usage })],
    ["the upstream says that it does not help", new GatewayError("rate_limit_exceeded", "x", { shouldRetry: false })],
    ["no other target may be asked either", new GatewayError("upstream_error", "x", { failover: false })],
    ["the attempt has spent its time", timeoutError("waiting for the upstream's first output")],
  ])("is not so when %s", (_why, error) => {
    expect(mayAskAgain(error)).toBe(false);
  });

  it("is so for a connection that could not be made in time, since nothing was sent", () => {
    expect(mayAskAgain(timeoutError("connecting to the upstream", { unsent: true }))).toBe(true);
  });
});

describe("countsAgainstTarget", () => {
  it("counts what tells that the upstream is unwell, and never a fault of the request, the account or the client", () => {
    expect(codes.filter((code) => countsAgainstTarget(new GatewayError(code, "x"))).toSorted()).toEqual([
      "rate_limit_exceeded",
      "upstream_connection_failed",
      "upstream_error",
      "upstream_incomplete",
      "upstream_invalid_response",
      "upstream_overloaded",
      "upstream_timeout",
    ]);
    const oversized = new GatewayError("rate_limit_exceeded", "x", { shouldRetry: false });
    expect(countsAgainstTarget(oversized)).toBe(false);
  });
});

describe("isGuarded", () => {
  it("leaves agents and CLIs to their own rules", () => {
    const types = ["openai", "claude-api", "claude-cli", "claude-cli-remote"] as const;
    expect(types.filter(isGuarded)).toEqual(["openai", "claude-api"]);
  });
});
