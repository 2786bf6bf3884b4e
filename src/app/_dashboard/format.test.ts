import { describe, expect, it } from "vitest";
import { formatAge, formatCount, formatRoundTrip, formatTime, formatTokens, plural } from "./format.ts";

describe("formatTokens", () => {
  it("tells known, estimated and unknown counts apart, and zero from unknown", () => {
    expect(formatTokens(1234, false)).toBe("1,234");
    expect(formatTokens(1234, true)).toBe("~1,234");
    expect(formatTokens(0, false)).toBe("0");
    expect(formatTokens(null, true)).toBeUndefined();
  });
});

describe("formatAge", () => {
  it.each([
    [-5, "0 s"],
    [999, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [3_600_000, "1 h 00 min"],
    [86_399_999, "23 h 59 min"],
    [273_600_000, "3 d 4 h"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe("formatRoundTrip", () => {
  it("keeps a decimal only where it tells something", () => {
    expect([0.42, 9.96, 12.4, 1250].map(formatRoundTrip)).toEqual(["0.4 ms", "10.0 ms", "12 ms", "1,250 ms"]);
  });
});

describe("formatTime", () => {
  const local = (day: number, hour: number): string => new Date(2026, 10, day, hour, 4, 9).toISOString();

  it("shows the reader's time of day to the second for today", () => {
    expect(formatTime(local(21, 14), local(21, 23))).toBe("14:04:09");
  });

  it("names the day for any other", () => {
    expect(formatTime(local(20, 14), local(21, 1))).toMatch(/^20 Nov,? 14:04$/);
  });
});

describe("counts", () => {
  it("separate thousands and agree with their noun", () => {
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect([0, 1, 1200].map((count) => plural(count, "agent"))).toEqual(["0 agents", "1 agent", "1,200 agents"]);
  });
});
