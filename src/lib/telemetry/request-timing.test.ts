import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatOverhead, RequestTiming } from "./request-timing.ts";

let now = 0;
beforeEach(() => {
  now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

const pass = (ms: number): void => {
  now += ms;
};

describe("the overhead of a request", () => {
  it("is all its time where nobody was waited for", () => {
    const timing = new RequestTiming(1000);
    pass(3);
    expect(timing.overheadMs).toBe(3);
  });

  it("leaves out the body's arrival and what passes from handing the request on to the bytes of the first output", () => {
    const timing = new RequestTiming(1000);
    pass(1);
    timing.waitBegins();
    pass(50);
    timing.waitEnds();
    pass(2);
    timing.waitBegins();
    pass(4);
    timing.sent();
    pass(300);
    timing.received();
    pass(700);
    timing.received();
    pass(8);
    timing.answered();
    expect(timing.overheadMs).toBe(1 + 2 + 4 + 8);
  });

  it("leaves out failed attempts as a whole, and the pause before the next", () => {
    const timing = new RequestTiming(1000);
    timing.waitBegins();
    timing.sent();
    pass(20);
    timing.received();
    pass(500);
    timing.waitBegins();
    pass(2);
    timing.sent();
    pass(10);
    timing.received();
    pass(1);
    timing.answered();
    expect(timing.overheadMs).toBe(3);
  });

  it("counts an answer that stalled after its first bytes as waiting, where an error or a comment goes out instead", () => {
    const timing = new RequestTiming(1000);
    pass(1);
    timing.waitBegins();
    timing.sent();
    pass(5);
    timing.received();
    pass(60_000);
    expect(timing.overheadMs).toBe(1);
  });

  it("does not change once it was told", () => {
    const timing = new RequestTiming(1000);
    pass(1);
    expect(timing.overheadMs).toBe(1);
    pass(1);
    timing.received();
    timing.answered();
    expect(timing.overheadMs).toBe(1);
  });

  it("has at most three decimals as a header", () => {
    expect([0, 0.04567, 12, 1234.56789].map(formatOverhead)).toEqual(["0", "0.046", "12", "1234.568"]);
  });
});
