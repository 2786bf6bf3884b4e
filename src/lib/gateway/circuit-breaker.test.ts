import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CircuitBreaker, PASS, PROBE_PATIENCE_MS, REFUSED, type Permit } from "./circuit-breaker.ts";

const COOLDOWN_MS = 1000;
const MAX_COOLDOWN_MS = 5 * 60_000;

function setUp(cooldownMs = COOLDOWN_MS) {
  const transitions: string[] = [];
  const breaker = new CircuitBreaker({ cooldownMs, onTransition: (from, to) => transitions.push(`${from}>${to}`) });
  const fail = (times: number, now = 0, retryAfterMs?: number): void => {
    for (let count = 0; count < times; count += 1) breaker.fail(breaker.enter(now), now, retryAfterMs);
  };
  return { breaker, transitions, fail };
}

describe("CircuitBreaker", () => {
  it("opens at the eighth failure in a row, however far apart, and not at the seventh", () => {
    const { breaker } = setUp();
    for (let count = 1; count <= 7; count += 1) breaker.fail(PASS, count * 3_600_000);
    expect(breaker.state(8 * 3_600_000)).toBe("closed");
    breaker.fail(PASS, 8 * 3_600_000);
    expect(breaker.state(8 * 3_600_000)).toBe("open");
    expect(breaker.enter(8 * 3_600_000)).toBe(REFUSED);
  });

  it("starts the row anew with every success", () => {
    const { breaker, fail } = setUp();
    fail(7);
    breaker.succeed(PASS, 0);
    fail(7);
    expect(breaker.state(0)).toBe("closed");
  });

  it("opens when three of five answers fail among twenty or more in the window, and not among fewer", () => {
    const play = (rounds: number, failures: number, everyMs: number) => {
      const { breaker } = setUp();
      let now = 0;
      for (let round = 0; round < rounds; round += 1) {
        for (let place = 0; place < 5; place += 1) {
          now += everyMs;
          if (place < failures) breaker.fail(PASS, now);
          else breaker.succeed(PASS, now);
        }
      }
      return breaker.state(now);
    };
    expect(play(3, 3, 10)).toBe("closed");
    expect(play(5, 3, 10)).toBe("open");
    expect(play(100, 2, 10)).toBe("closed");
    // The same share, too thinly spread for the window to hold twenty.
    expect(play(100, 3, 3000)).toBe("closed");
  });

  it("lets exactly one probe through after the cool-down, and closes when it succeeds", () => {
    const { breaker, transitions, fail } = setUp();
    fail(8);
    expect(breaker.enter(COOLDOWN_MS - 1)).toBe(REFUSED);
    const probe = breaker.enter(COOLDOWN_MS);
    expect(probe).toBeGreaterThan(PASS);
    expect(breaker.enter(COOLDOWN_MS)).toBe(REFUSED);
    breaker.succeed(probe, COOLDOWN_MS + 5);
    expect(breaker.enter(COOLDOWN_MS + 5)).toBe(PASS);
    expect(breaker.isIdle(COOLDOWN_MS + 5)).toBe(true);
    expect(transitions).toEqual(["closed>open", "open>half_open", "half_open>closed"]);
  });

  it("doubles the cool-down with every probe that fails, up to five minutes, and begins anew once it was closed", () => {
    const { breaker, fail } = setUp();
    fail(8);
    let now = 0;
    const waits: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      waits.push(breaker.waitMs(now));
      now += breaker.waitMs(now);
      breaker.fail(breaker.enter(now), now);
    }
    expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(waits.at(-1)).toBe(MAX_COOLDOWN_MS);
    now += MAX_COOLDOWN_MS;
    breaker.succeed(breaker.enter(now), now);
    fail(8, now);
    expect(breaker.waitMs(now)).toBe(COOLDOWN_MS);
  });

  it("cools down for what the upstream asks for where that is longer, and for five minutes at most", () => {
    const asked = (retryAfterMs: number): number => {
      const { breaker, fail } = setUp();
      fail(8, 0, retryAfterMs);
      return breaker.waitMs(0);
    };
    expect([asked(10), asked(20_000), asked(86_400_000)]).toEqual([COOLDOWN_MS, 20_000, MAX_COOLDOWN_MS]);
  });

  it("gives the place of a probe whose client left to the next request at once", () => {
    const { breaker, fail } = setUp();
    fail(8);
    const first = breaker.enter(COOLDOWN_MS);
    breaker.release(first);
    expect(breaker.waitMs(COOLDOWN_MS)).toBe(0);
    const second = breaker.enter(COOLDOWN_MS);
    expect(second).toBeGreaterThan(first);
    // The first has no say any more.
    breaker.fail(first, COOLDOWN_MS);
    expect(breaker.state(COOLDOWN_MS)).toBe("half_open");
  });

  it("does not let answers from before it opened close it or lengthen its cool-down", () => {
    const { breaker, fail } = setUp();
    fail(8);
    breaker.succeed(PASS, 10);
    breaker.fail(PASS, 20, 60_000);
    expect([breaker.state(20), breaker.waitMs(20)]).toEqual(["open", COOLDOWN_MS - 20]);
  });

  it("waits no longer than its patience for a probe that tells nothing, and still believes a late success", () => {
    const { breaker, fail } = setUp();
    fail(8);
    const stuck = breaker.enter(COOLDOWN_MS);
    expect(breaker.enter(COOLDOWN_MS + PROBE_PATIENCE_MS - 1)).toBe(REFUSED);
    const next = breaker.enter(COOLDOWN_MS + PROBE_PATIENCE_MS);
    expect(next).toBeGreaterThan(stuck);
    breaker.succeed(stuck, COOLDOWN_MS + PROBE_PATIENCE_MS + 1);
    expect(breaker.state(COOLDOWN_MS + PROBE_PATIENCE_MS + 1)).toBe("closed");
  });

  it("never opens when its cool-down is 0", () => {
    const { breaker, fail } = setUp(0);
    fail(1000);
    expect(breaker.enter(0)).toBe(PASS);
  });

  it("tells when it opened, how many failures did it and when the next probe goes", () => {
    const { breaker, fail } = setUp();
    expect([breaker.openedAt, breaker.nextProbeAt(0)]).toEqual([undefined, undefined]);
    fail(8, 500);
    expect([breaker.openedAt, breaker.nextProbeAt(600), breaker.failures(600)]).toEqual([500, 1500, 8]);
    // Much later, when the window is empty, as well.
    expect([breaker.state(1e9), breaker.failures(1e9)]).toEqual(["half_open", 8]);
  });

  it("has at most one probe at a time, refuses only while it is not closed, and never for longer than it says", () => {
    const step = fc.record({
      kind: fc.constantFrom("enter", "enter", "succeed", "fail", "fail", "release" as const),
      pick: fc.nat(20),
      afterMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 40_000 })),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 400 }), (steps) => {
        const { breaker, fail } = setUp();
        let now = 0;
        fail(8, now);
        const out: Permit[] = [];
        const probes = new Map<Permit, number>();
        const broken: string[] = [];
        const demand = (holds: boolean, what: string): void => void (holds || broken.push(`${what} at ${now}`));
        for (const { kind, pick, afterMs, retryAfterMs } of steps) {
          now += afterMs;
          if (kind === "enter") {
            const state = breaker.state(now);
            const waitMs = breaker.waitMs(now);
            const permit = breaker.enter(now);
            demand((permit === REFUSED) === waitMs > 0, "it refuses exactly as long as it says");
            demand((permit === PASS) === (state === "closed"), "it is passed freely only while it is closed");
            demand(waitMs <= MAX_COOLDOWN_MS, "it waits no longer than the bound");
            if (permit === REFUSED) continue;
            out.push(permit);
            if (permit === PASS) continue;
            // Earlier ones may be out only when they have outlasted the patience.
            for (const sentAt of probes.values()) demand(now - sentAt >= PROBE_PATIENCE_MS, "one probe at a time");
            probes.set(permit, now);
          } else if (out.length > 0) {
            const [permit = PASS] = out.splice(pick % out.length, 1);
            probes.delete(permit);
            if (kind === "succeed") breaker.succeed(permit, now);
            else if (kind === "fail") breaker.fail(permit, now, retryAfterMs);
            else breaker.release(permit);
            // A success of any probe closes it: those that are still out are judged as before.
            if (breaker.state(now) === "closed") probes.clear();
          }
        }
        expect(broken).toEqual([]);
        expect(breaker.enter(now + MAX_COOLDOWN_MS + PROBE_PATIENCE_MS)).not.toBe(REFUSED);
      }),
      { numRuns: 300 },
    );
  });
});
