import { describe, expect, it } from "vitest";
import { createRestartPlan } from "./restart-plan.ts";

describe("createRestartPlan", () => {
  it("waits longer after each early death, and gives up at the sixth in a row", () => {
    const plan = createRestartPlan();
    const delays = Array.from({ length: 6 }, () => plan.afterDeath(50));
    expect(delays).toEqual([100, 200, 400, 800, 1600, undefined]);
  });

  it("forgets early deaths once a worker has lived", () => {
    const plan = createRestartPlan();
    for (let death = 0; death < 4; death += 1) plan.afterDeath(50);
    expect(plan.afterDeath(60_000)).toBe(100);
    expect(plan.afterDeath(50)).toBe(200);
  });
});
