import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { GatewayError } from "./errors.ts";
import { SlowReaders, type WatchedExchange } from "./slow-readers.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => vi.useRealTimers());

function createExchange() {
  const response = Object.assign(new EventEmitter(), { writableLength: 0 });
  const reasons: string[] = [];
  const cut = (reason: GatewayError): void => void reasons.push(reason.code);
  return { response, reasons, exchange: { response, cut } as unknown as WatchedExchange };
}

it("cuts an answer that is never seen taken for the limit, once", () => {
  const readers = new SlowReaders(1000);
  const { response, reasons, exchange } = createExchange();
  readers.watch(exchange);
  response.writableLength = 1;
  vi.advanceTimersByTime(1000);
  expect(reasons).toEqual([]);
  vi.advanceTimersByTime(5000);
  expect(reasons).toEqual(["client_too_slow"]);
  expect(response.listenerCount("drain")).toBe(0);
  readers.close();
});

it("counts anew when all was taken, seen or announced, and leaves ended answers alone", () => {
  const readers = new SlowReaders(1000);
  const { response, reasons, exchange } = createExchange();
  const seat = readers.watch(exchange);
  for (let turn = 0; turn < 5; turn += 1) {
    response.writableLength = 1;
    vi.advanceTimersByTime(800);
    response.emit("drain");
    vi.advanceTimersByTime(800);
    response.writableLength = 0;
    vi.advanceTimersByTime(100);
  }
  response.writableLength = 1;
  vi.advanceTimersByTime(500);
  readers.unwatch(seat);
  vi.advanceTimersByTime(5000);
  expect(reasons).toEqual([]);
  expect(response.listenerCount("drain")).toBe(0);
  readers.close();
});
