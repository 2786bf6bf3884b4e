import { expect, it } from "vitest";
import { startEventLoopDelay } from "./event-loop-delay.ts";

const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it("shows how long the event loop was blocked, and how busy it was", async () => {
  const monitor = startEventLoopDelay();
  await turn(50);
  const blockedUntil = performance.now() + 120;
  while (performance.now() < blockedUntil);
  await turn(50);
  const { p50, max } = monitor.delay();
  monitor.stop();
  expect(max).toBeGreaterThan(0.08);
  expect(p50).toBeLessThan(max);
  expect(monitor.utilization()).toBeGreaterThan(0.1);
});

it("reads zero before the first tick", () => {
  const monitor = startEventLoopDelay();
  expect(monitor.delay()).toEqual({ p50: 0, p99: 0, max: 0 });
  monitor.stop();
});
