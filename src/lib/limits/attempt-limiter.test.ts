import { describe, expect, it } from "vitest";
import { createAttemptLimiter } from "./attempt-limiter.ts";

describe("createAttemptLimiter", () => {
  it("refuses a source after ten failures until its minute is over, and no other source", () => {
    let nowMs = 0;
    const limiter = createAttemptLimiter({ now: () => nowMs });
    for (let count = 0; count < 10; count += 1) {
      limiter.check("a");
      limiter.fail("a");
    }
    nowMs = 20_000;
    expect(() => limiter.check("a")).toThrow(
      expect.objectContaining({ code: "rate_limit_exceeded", retryAfterMs: 40_000 }),
    );
    limiter.check("b");
    nowMs = 60_000;
    limiter.check("a");
    limiter.fail("a");
    limiter.check("a");
  });

  it("remembers a bounded number of sources", () => {
    const limiter = createAttemptLimiter({ maxFailures: 1, maxSources: 2 });
    for (const source of ["a", "b", "c"]) limiter.fail(source);
    limiter.check("a");
    expect(() => limiter.check("b")).toThrow("Too many attempts");
    expect(() => limiter.check("c")).toThrow("Too many attempts");
  });
});
