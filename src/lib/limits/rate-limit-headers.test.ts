import { describe, expect, it } from "vitest";
import { formatReset, rateLimitHeaders } from "./rate-limit-headers.ts";

describe("rateLimitHeaders", () => {
  it("writes durations as OpenAI does", () => {
    expect([0, 19.2, 999, 1500, 59_999, 60_000, 60_001, 360_000, 3_723_000].map(formatReset)).toEqual([
      "0ms",
      "20ms",
      "999ms",
      "1.5s",
      "59.999s",
      "1m0s",
      "1m1s",
      "6m0s",
      "1h2m3s",
    ]);
  });

  it("names the limit, what is left and when it is back", () => {
    expect(rateLimitHeaders({ limit: 100, remaining: 7, resetMs: 61_000 })).toEqual({
      "x-ratelimit-limit-requests": "100",
      "x-ratelimit-remaining-requests": "7",
      "x-ratelimit-reset-requests": "1m1s",
    });
  });
});
