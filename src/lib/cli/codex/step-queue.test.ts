import { describe, expect, it } from "vitest";
import { createStepQueue } from "./step-queue.ts";

function createReader(maxBytes = 100) {
  const taken: number[] = [];
  const events: string[] = [];
  const reader = { isSlow: false };
  const queue = createStepQueue<number>({
    take(step) {
      taken.push(step);
      return !reader.isSlow;
    },
    maxBytes,
    onOverflow: () => events.push("overflow"),
    onPause: () => events.push("pause"),
    onResume: () => events.push("resume"),
  });
  return { taken, events, reader, queue };
}

describe("createStepQueue", () => {
  it("hands steps on at once, and keeps them in order while their reader is slow", () => {
    const { taken, events, reader, queue } = createReader();
    queue.push(1, 10);
    reader.isSlow = true;
    for (const step of [2, 3, 4]) queue.push(step, 10);
    expect(taken).toEqual([1, 2]);
    queue.resume();
    expect(taken).toEqual([1, 2, 3]);
    reader.isSlow = false;
    queue.resume();
    queue.push(5, 10);
    expect(taken).toEqual([1, 2, 3, 4, 5]);
    expect(events).toEqual(["pause", "resume", "pause", "resume"]);
  });

  it("gives up beyond its bound, and counts what was handed on out of it", () => {
    const { taken, events, reader, queue } = createReader(25);
    reader.isSlow = true;
    for (const step of [1, 2, 3]) queue.push(step, 10);
    queue.resume();
    queue.push(4, 10);
    expect(events).not.toContain("overflow");
    queue.push(5, 10);
    expect(events.at(-1)).toBe("overflow");
    queue.resume();
    queue.push(6, 0);
    expect(taken).toEqual([1, 2]);
  });
});
