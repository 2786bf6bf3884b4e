import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlidingMinute } from "./sliding-minute.ts";

describe("SlidingMinute", () => {
  it("counts an event for at least 60 and at most 61 seconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (at) => {
        const minute = new SlidingMinute();
        minute.add(at);
        expect(minute.total(at + 60_000)).toBe(1);
        expect(minute.total(at + 61_000)).toBe(0);
      }),
    );
  });

  it("says to the millisecond when the oldest and the newest event stop counting", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(gaps, (steps) => {
        const minute = new SlidingMinute();
        let now = 0;
        for (const step of steps) minute.add((now += step));
        const total = minute.total(now);
        const next = minute.untilNextMs(now);
        const empty = minute.untilEmptyMs(now);
        const copyAt = (time: number): number => {
          const copy = new SlidingMinute();
          let at = 0;
          for (const step of steps) copy.add((at += step));
          return copy.total(time);
        };
        expect(copyAt(now + next - 1)).toBe(total);
        expect(copyAt(now + next)).toBeLessThan(total);
        expect(copyAt(now + empty - 1)).toBeGreaterThan(0);
        expect(copyAt(now + empty)).toBe(0);
      }),
    );
  });

  it("forgets everything over a pause of any length", () => {
    const minute = new SlidingMinute();
    for (let second = 0; second < 61; second += 1) minute.add(second * 1000);
    expect(minute.total(60_999)).toBe(61);
    expect(minute.total(1e12)).toBe(0);
    expect(minute.untilNextMs(1e12)).toBe(0);
  });
});
