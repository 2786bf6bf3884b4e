import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GatewayError } from "../http/errors.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

describe("createWatchdog", () => {
  let expired: GatewayError[];
  let watchdog: Watchdog;

  beforeEach(() => {
    vi.useFakeTimers();
    expired = [];
    watchdog = createWatchdog({
      firstEventTimeoutMs: 100,
      idleTimeoutMs: 50,
      deadlineMs: 1000,
      onExpired: (error) => expired.push(error),
    });
  });
  afterEach(() => {
    watchdog.stop();
    vi.useRealTimers();
  });

  const codes = (): string[] => expired.map((error) => error.code);

  it("expires when no first event comes, once", () => {
    vi.advanceTimersByTime(99);
    expect(codes()).toEqual([]);
    vi.advanceTimersByTime(5000);
    expect(codes()).toEqual(["upstream_timeout"]);
  });

  it("expires by silence after the last progress", () => {
    for (let event = 0; event < 5; event += 1) {
      watchdog.progress();
      vi.advanceTimersByTime(49);
    }
    expect(codes()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(codes()).toEqual(["upstream_timeout"]);
  });

  it("does not count a slow reader as silence, but counts again after it", () => {
    watchdog.progress();
    watchdog.pause();
    vi.advanceTimersByTime(500);
    expect(codes()).toEqual([]);
    watchdog.resume();
    vi.advanceTimersByTime(50);
    expect(codes()).toEqual(["upstream_timeout"]);
  });

  it("expires at the deadline whatever happens", () => {
    for (let elapsed = 0; elapsed < 1000; elapsed += 25) {
      watchdog.progress();
      vi.advanceTimersByTime(25);
    }
    expect(codes()).toEqual(["deadline_exceeded"]);
  });

  it("does not expire after it was stopped", () => {
    watchdog.progress();
    watchdog.stop();
    vi.advanceTimersByTime(5000);
    expect(codes()).toEqual([]);
  });
});
