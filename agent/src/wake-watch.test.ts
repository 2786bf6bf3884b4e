import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchForWake } from "./wake-watch.ts";

let wall: number;
let awake: number;
let wakes: number;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  [wall, awake, wakes] = [1_000_000, 0, 0];
  stop = watchForWake(() => (wakes += 1), { wall: () => wall, awake: () => awake });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

/** Lets time pass for both clocks, after a sleep that only the wall's clock has seen. */
function pass(ms: number, sleptMs = 0): void {
  wall += ms + sleptMs;
  awake += ms;
  vi.advanceTimersByTime(ms);
}

it("calls once for a sleep, within two seconds of its end", () => {
  pass(10_000);
  pass(2000, 3_600_000);
  expect(wakes).toBe(1);
  pass(60_000);
  expect(wakes).toBe(1);
});

it("does not take a busy machine, a small correction of the clock, or a clock set back for a sleep", () => {
  pass(30_000);
  pass(2000, 1500);
  pass(2000, -7_200_000);
  pass(60_000);
  expect(wakes).toBe(0);
});

it("calls no more once it was ended", () => {
  stop();
  pass(2000, 3_600_000);
  expect(wakes).toBe(0);
});
