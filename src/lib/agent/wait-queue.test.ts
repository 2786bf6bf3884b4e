import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WaitQueue } from "./wait-queue.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("it keeps the order of arrival and its bound", () => {
  const queue = new WaitQueue<{ name: string }>({ max: 2, waitMs: 100 });
  const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
  expect([
    queue.add(a, vi.fn<() => void>()),
    queue.add(b, vi.fn<() => void>()),
    queue.add(c, vi.fn<() => void>()),
  ]).toEqual([true, true, false]);
  expect([...queue.items()]).toEqual([a, b]);
  queue.remove(a);
  expect(queue.add(c, vi.fn<() => void>())).toBe(true);
  expect([...queue.items()]).toEqual([b, c]);
});

test("what waits too long is taken out and told so once; what was removed is not", () => {
  const queue = new WaitQueue<object>({ max: 5, waitMs: 100 });
  const expired = vi.fn<() => void>();
  const removed = vi.fn<() => void>();
  const gone = {};
  queue.add({}, expired);
  queue.add(gone, removed);
  queue.remove(gone);
  vi.advanceTimersByTime(99);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(expired).toHaveBeenCalledTimes(1);
  expect(removed).not.toHaveBeenCalled();
  expect(queue.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a bound of 0 turns waiting off", () => {
  expect(new WaitQueue({ max: 0, waitMs: 100 }).add({}, vi.fn<() => void>())).toBe(false);
});
