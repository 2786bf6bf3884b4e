import { describe, expect, it } from "vitest";
import { PASS, REFUSED } from "./circuit-breaker.ts";
import type { Target } from "./resolve-targets.ts";
import { createTargetHealth, type CircuitTransition } from "./target-health.ts";

const COOLDOWN_MS = 1000;
const target = (model: string, providerId = "openai"): Target => ({ providerId, model });

function setUp() {
  const clock = { now: 1_000_000 };
  const transitions: CircuitTransition[] = [];
  const health = createTargetHealth({
    cooldownMs: COOLDOWN_MS,
    onTransition: (event) => transitions.push(event),
    now: () => clock.now,
  });
  const failOften = (which: Target): void => {
    for (let count = 0; count < 8; count += 1) health.fail(which, PASS);
  };
  return { clock, health, transitions, failOften };
}

describe("createTargetHealth", () => {
  it("closes the door of the model that fails, and of no other model or provider", () => {
    const { health, failOften } = setUp();
    failOften(target("a"));
    expect(health.enter(target("a"))).toBe(REFUSED);
    expect(health.waitMs(target("a"))).toBe(COOLDOWN_MS);
    expect([target("b"), target("a", "claude-api")].map((other) => health.enter(other))).toEqual([PASS, PASS]);
  });

  it("keeps nothing for targets that are well, and forgets those that are well again", () => {
    const { health, clock, failOften } = setUp();
    health.succeed(target("a"), health.enter(target("a")));
    expect(health.states()).toEqual([]);
    failOften(target("a"));
    clock.now += COOLDOWN_MS;
    health.succeed(target("a"), health.enter(target("a")));
    expect(health.states()).toEqual([]);
  });

  it("keeps a target whose retry budget is not full, so that failing now and then does not refill it", () => {
    const { health, clock } = setUp();
    health.fail(target("a"), PASS);
    while (health.takeRetry(target("a")));
    clock.now += 31_000;
    health.succeed(target("a"), PASS);
    clock.now += 69_000;
    expect(health.states()).toHaveLength(1);
    health.succeed(target("a"), PASS);
    expect(health.states()).toEqual([]);
  });

  it("remembers a thousand targets at most, and nothing under names that are too long", () => {
    const { health, failOften } = setUp();
    for (let index = 0; index < 1100; index += 1) health.fail(target(`m${index}`), PASS);
    expect(health.states()).toHaveLength(1000);
    const long = target("x".repeat(257));
    failOften(long);
    expect([health.enter(long), health.takeRetry(long), health.states().length]).toEqual([PASS, false, 1000]);
  });

  it("spares retries within the budget, and none for a target that is left alone", () => {
    const { health, failOften } = setUp();
    health.fail(target("a"), PASS);
    const granted = Array.from({ length: 20 }, () => health.takeRetry(target("a"))).filter(Boolean);
    expect(granted).toHaveLength(10);
    failOften(target("b"));
    expect(health.takeRetry(target("b"))).toBe(false);
  });

  it("lets the budget grow with requests and not with their retries", () => {
    const { health } = setUp();
    health.fail(target("a"), PASS);
    while (health.takeRetry(target("a")));
    for (let count = 0; count < 40; count += 1) health.reenter(target("a"));
    expect(health.takeRetry(target("a"))).toBe(false);
    for (let count = 0; count < 4; count += 1) health.enter(target("a"));
    expect(health.takeRetry(target("a"))).toBe(true);
  });

  it("closes at a probe's first output, before its answer has ended, and takes its end for no second verdict", () => {
    const { health, clock, failOften, transitions } = setUp();
    failOften(target("a"));
    clock.now += COOLDOWN_MS;
    const probe = health.enter(target("a"));
    health.answered(target("a"), probe);
    expect(health.enter(target("a"))).toBe(PASS);
    health.fail(target("a"), probe);
    expect(health.enter(target("a"))).toBe(PASS);
    expect(transitions.map(({ from, to }) => `${from}>${to}`)).toEqual([
      "closed>open",
      "open>half_open",
      "half_open>closed",
    ]);
  });

  it("shows every target that failed lately, with its next probe", () => {
    const { health, failOften, transitions } = setUp();
    failOften(target("a"));
    health.fail(target("b"), PASS);
    expect(health.states()).toEqual([
      { target: target("a"), state: "open", failures: 8, openedAt: 1_000_000, nextProbeAt: 1_001_000 },
      { target: target("b"), state: "closed", failures: 1, openedAt: undefined, nextProbeAt: undefined },
    ]);
    expect(transitions).toEqual([{ target: target("a"), from: "closed", to: "open" }]);
  });
});
