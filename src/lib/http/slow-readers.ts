import type { HttpContext } from "./context.ts";
import { GatewayError } from "./errors.ts";

type Exchange = Pick<HttpContext, "response" | "abort">;

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
 * One timer for all answers: an answer that keeps up costs one entry in a set.
 */
export class SlowReaders {
  readonly #limitMs: number;
  readonly #watched = new Set<Exchange>();
  readonly #behind = new Map<Exchange, Reader>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Watches the answer of an exchange until {@link unwatch}. */
  watch(exchange: Exchange): void {
    this.#watched.add(exchange);
    this.#timer ??= setInterval(() => this.#sweep(), Math.max(10, this.#limitMs / 10)).unref();
  }

  unwatch(exchange: Exchange): void {
    this.#watched.delete(exchange);
    if (this.#behind.size > 0) this.#forget(exchange);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const exchange of this.#watched) {
      const reader = this.#behind.get(exchange);
      if (exchange.response.writableLength === 0) {
        if (reader !== undefined) this.#forget(exchange);
      } else if (reader === undefined) {
        this.#follow(exchange, now);
      } else if (now - reader.behindSince >= this.#limitMs) {
        this.unwatch(exchange);
        exchange.abort(
          new GatewayError(
            "client_too_slow",
            `The client did not take what was sent to it within ${this.#limitMs} ms.`,
          ),
        );
      }
    }
  }

  #follow(exchange: Exchange, now: number): void {
    // All was taken between two looks.
    const onDrain = (): void => this.#forget(exchange);
    this.#behind.set(exchange, { behindSince: now, onDrain });
    exchange.response.on("drain", onDrain);
  }

  #forget(exchange: Exchange): void {
    const reader = this.#behind.get(exchange);
    if (reader === undefined) return;
    this.#behind.delete(exchange);
    exchange.response.off("drain", reader.onDrain);
  }
}
