import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pacer } from "./pacer.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Ticks at a fixed gap until it was called so many times; the times of its calls in milliseconds. */
function paced(gapMs: number, count: number) {
  const calls: number[] = [];
  const tick = (): number | undefined => {
    calls.push(performance.now());
    return calls.length < count ? gapMs : undefined;
  };
  return { calls, tick };
}

describe("the pacer", () => {
  it("calls each of many at its own pace, and stops when it is told to", () => {
    const pacer = new Pacer();
    const fast = paced(10, 50);
    const slow = paced(125, 4);
    pacer.add(fast, 10);
    pacer.add(slow, 125);
    vi.advanceTimersByTime(2000);
    expect(fast.calls).toHaveLength(50);
    expect(slow.calls).toHaveLength(4);
    const length = (calls: readonly number[]): number => (calls.at(-1) ?? 0) - (calls[0] ?? 0);
    expect(Math.abs(length(fast.calls) - 490)).toBeLessThanOrEqual(2);
    expect(Math.abs(length(slow.calls) - 375)).toBeLessThanOrEqual(2);
  });

  it("holds a rate whose gap is no whole number of milliseconds", () => {
    const pacer = new Pacer();
    const { calls, tick } = paced(2.5, 10_000);
    pacer.add({ tick }, 2.5);
    vi.advanceTimersByTime(1000);
    expect(Math.abs(calls.length - 400)).toBeLessThanOrEqual(2);
  });

  it("catches up with what a stall of the process made it miss", () => {
    const pacer = new Pacer();
    const { calls, tick } = paced(10, 10_000);
    pacer.add({ tick }, 10);
    vi.advanceTimersByTime(100);
    const before = calls.length;
    const now = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 500);
    vi.advanceTimersByTime(1);
    now.mockRestore();
    expect(calls.length - before).toBeGreaterThanOrEqual(49);
  });

  it("starts again after it had nothing to do for a long time", () => {
    const pacer = new Pacer();
    const first = paced(10, 3);
    pacer.add(first, 10);
    vi.advanceTimersByTime(100_000);
    const second = paced(10, 3);
    pacer.add(second, 10);
    vi.advanceTimersByTime(50);
    expect(first.calls).toHaveLength(3);
    expect(second.calls).toHaveLength(3);
  });
});
