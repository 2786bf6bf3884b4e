import { Roster, type Seat } from "../collections/roster.ts";
import type { HttpContext } from "./context.ts";
import { GatewayError } from "./errors.ts";

export type WatchedExchange = Pick<HttpContext, "response" | "cut">;

interface Reader {
  /** When it was first seen with something left to take, by `performance.now()`. */
  readonly behindSince: number;
  readonly onDrain: () => void;
}

/**
 * Cuts clients that do not read. An answer of which something waits for the socket, and that is never seen taken whole
 * for `limitMs`, ends with `client_too_slow`: its signal aborts (which ends the work upstream) and its connection closes.
 * Since writers stop at the high-water mark (64 KiB) until it is taken, a reader must take about that much in `limitMs`;
 * one that takes a byte a second is as good as none.
 *
 * One timer for all answers: an answer that keeps up costs one entry in a list.
 */
export class SlowReaders {
  readonly #limitMs: number;
  readonly #watched = new Roster<WatchedExchange>();
  readonly #behind = new Map<WatchedExchange, Reader>();
  /** Until their connections have closed. */
  readonly #cut = new WeakSet<WatchedExchange>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Watches the answer of an exchange until {@link unwatch}. */
  watch(exchange: WatchedExchange): Seat<WatchedExchange> {
    this.#timer ??= setInterval(() => this.#sweep(), Math.max(10, this.#limitMs / 10)).unref();
    return this.#watched.add(exchange);
  }

  unwatch(seat: Seat<WatchedExchange>): void {
    this.#watched.remove(seat);
    if (this.#behind.size > 0) this.#forget(seat.item);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const exchange of this.#watched.items()) {
      const reader = this.#behind.get(exchange);
      if (this.#cut.has(exchange)) continue;
      if (exchange.response.writableLength === 0) {
        if (reader !== undefined) this.#forget(exchange);
      } else if (reader === undefined) {
        this.#follow(exchange, now);
      } else if (now - reader.behindSince >= this.#limitMs) {
        this.#forget(exchange);
        this.#cut.add(exchange);
        exchange.cut(
          new GatewayError(
            "client_too_slow",
            `The client did not take what was sent to it within ${this.#limitMs} ms.`,
          ),
        );
      }
    }
  }

  #follow(exchange: WatchedExchange, now: number): void {
    // All was taken between two looks.
    const onDrain = (): void => this.#forget(exchange);
    this.#behind.set(exchange, { behindSince: now, onDrain });
    exchange.response.on("drain", onDrain);
  }

  #forget(exchange: WatchedExchange): void {
    const reader = this.#behind.get(exchange);
    if (reader === undefined) return;
    this.#behind.delete(exchange);
    exchange.response.off("drain", reader.onDrain);
  }
}
