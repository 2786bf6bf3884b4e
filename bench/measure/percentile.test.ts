import { describe, expect, it } from "vitest";
import { compareRounds, median, percentile, summarize } from "./percentile.ts";

describe("percentile", () => {
  const tens = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

  it("is the smallest value that at least so many per cent do not exceed", () => {
    expect(percentile(tens, 50)).toBe(50);
    expect(percentile(tens, 51)).toBe(60);
    expect(percentile(tens, 99)).toBe(100);
    expect(percentile(tens, 0)).toBe(10);
    expect(percentile(tens, 100)).toBe(100);
  });

  it("is 0 where nothing was measured", () => {
    expect(percentile([], 99)).toBe(0);
  });
});

describe("median", () => {
  it("is the middle of an odd number of values, in whatever order they come", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("is the mean of the middle two of an even number", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("leaves its argument as it was", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it("of nothing is not a number", () => {
    expect(median([])).toBeNaN();
  });
});

describe("two figures over several rounds", () => {
  const divide = (left: number, right: number): number => left / right;

  it("are compared round by round, so that a slow round changes nothing", () => {
    expect(compareRounds([12, 60, 13], [10, 50, 10], divide)).toBe(1.2);
  });

  it("are compared by their medians where one has missed a round", () => {
    expect(compareRounds([12, 60, 14], [10, 10], divide)).toBe(1.4);
    expect(compareRounds([12], [], divide)).toBeNaN();
  });
});

describe("summarize", () => {
  it("orders numbers by size and not by text", () => {
    expect(summarize([10, 9, 100])).toEqual({ count: 3, p50: 10, p90: 100, p99: 100, max: 100 });
  });
});
