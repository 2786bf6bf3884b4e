import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureWindow } from "./failure-window.ts";

describe("FailureWindow", () => {
  it("holds all that is younger than nine tenths of the window and nothing that is older than it", () => {
    const event = fc.record({ afterMs: fc.integer({ min: 0, max: 1500 }), failed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const window = new FailureWindow(10_000);
        const recorded: { at: number; failed: boolean }[] = [];
        let now = 5_000_000;
        for (const { afterMs, failed } of events) {
          now += afterMs;
          window.record(failed, now);
          recorded.push({ at: now, failed });
          const within = (ageMs: number) => recorded.filter(({ at }) => now - at < ageMs);
          const failures = (ageMs: number) => within(ageMs).filter((entry) => entry.failed).length;
          expect(window.total(now)).toBeGreaterThanOrEqual(within(9000).length);
          expect(window.total(now)).toBeLessThanOrEqual(within(10_001).length);
          expect(window.failures(now)).toBeGreaterThanOrEqual(failures(9000));
          expect(window.failures(now)).toBeLessThanOrEqual(failures(10_001));
        }
      }),
    );
  });

  it("forgets everything after a long silence and when it is cleared", () => {
    const window = new FailureWindow(10_000);
    window.record(true, 0);
    expect([window.failures(1), window.total(1)]).toEqual([1, 1]);
    expect([window.failures(1e9), window.total(1e9)]).toEqual([0, 0]);
    window.record(true, 1e9);
    window.clear();
    expect([window.failures(1e9), window.total(1e9)]).toEqual([0, 0]);
  });
});
