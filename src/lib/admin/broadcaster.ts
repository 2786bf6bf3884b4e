import type { HttpContext, HttpResponse } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { encodeComment, encodeEvent, setSseHeaders } from "../http/sse.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface BroadcasterOptions {
  readonly eventName: string;
  /** Makes the JSON text of one event. */
  readonly build: () => Promise<string>;
  readonly logger: Logger;
  /** Least time between two events, in milliseconds. */
  readonly intervalMs?: number;
  readonly keepAliveMs?: number;
  readonly maxSubscribers?: number;
}

interface Subscriber {
  readonly response: HttpResponse;
  /** True until the reader has taken what was written to it; meanwhile it is skipped. */
  isBehind: boolean;
  /** An event passed it by: it gets the newest once it has caught up. */
  hasMissed: boolean;
  end(): void;
}

/**
 * Sends the state of something to many event streams: on connect, and after changes at most once per interval, built
 * once for all. Nothing is queued: a slow reader skips states and gets the newest when it reads again.
 */
export class Broadcaster {
  readonly #options: Required<BroadcasterOptions>;
  readonly #subscribers = new Set<Subscriber>();
  #timer: NodeJS.Timeout | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #isSending = false;
  #hasChanged = false;
  #isClosed = false;

  constructor(options: BroadcasterOptions) {
    this.#options = { intervalMs: 500, keepAliveMs: 15_000, maxSubscribers: 50, ...options };
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** Announces a change. Cheap: at most starts a timer. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#timer !== undefined || this.#isSending || this.#subscribers.size === 0) return;
    const waitMs = Math.max(0, this.#sentAt + this.#options.intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#broadcast();
    }, waitMs).unref();
  }

  /**
   * Streams events to one response until the client leaves or {@link close}. Throws GatewayError:
   * `rate_limit_exceeded` when too many are subscribed, `shutting_down` after `close`.
   */
  async subscribe(context: HttpContext): Promise<void> {
    const { eventName, build, keepAliveMs, maxSubscribers } = this.#options;
    if (this.#isClosed) throw new GatewayError("shutting_down", "The proxy is shutting down.");
    if (this.#subscribers.size >= maxSubscribers) {
      const message = `There are already ${maxSubscribers} open event streams.`;
      throw new GatewayError("rate_limit_exceeded", message, { retryAfterMs: 5000 });
    }
    const { response, signal } = context;
    await new Promise<void>((resolve, reject) => {
      // Behind until its first event, which the broadcasts do not know of.
      const subscriber: Subscriber = { response, isBehind: true, hasMissed: false, end: () => leave() };
      const onDrain = (): void => {
        subscriber.isBehind = false;
        if (subscriber.hasMissed) this.changed();
      };
      const leave = (): void => {
        if (!this.#subscribers.delete(subscriber)) return;
        signal.removeEventListener("abort", leave);
        response.off("drain", onDrain);
        if (this.#subscribers.size === 0) this.#stopTimers();
        resolve();
      };
      this.#subscribers.add(subscriber);
      signal.addEventListener("abort", leave, { once: true });
      response.on("drain", onDrain);
      this.#keepAlive ??= setInterval(() => this.#sendKeepAlive(), keepAliveMs).unref();
      build()
        .then((payload) => {
          if (!this.#subscribers.has(subscriber)) return;
          response.statusCode = 200;
          setSseHeaders(response);
          subscriber.isBehind = !response.write(encodeEvent(eventName, payload));
          if (subscriber.hasMissed) this.changed();
        })
        .catch((error: unknown) => {
          reject(error instanceof Error ? error : new Error("the event could not be built"));
          leave();
        });
      if (signal.aborted) leave();
    });
    if (!response.writableEnded) response.end();
  }

  /** Ends all streams and accepts no more. */
  close(): void {
    this.#isClosed = true;
    for (const subscriber of this.#subscribers) subscriber.end();
  }

  async #broadcast(): Promise<void> {
    this.#hasChanged = false;
    this.#isSending = true;
    try {
      const event = encodeEvent(this.#options.eventName, await this.#options.build());
      for (const subscriber of this.#subscribers) {
        subscriber.hasMissed = subscriber.isBehind;
        if (!subscriber.isBehind) subscriber.isBehind = !subscriber.response.write(event);
      }
    } catch (error) {
      this.#options.logger.error({ error }, "the overview could not be built");
    } finally {
      this.#isSending = false;
      this.#sentAt = performance.now();
    }
    if (this.#hasChanged) this.changed();
  }

  #sendKeepAlive(): void {
    const comment = encodeComment("keep-alive");
    for (const subscriber of this.#subscribers) {
      if (!subscriber.isBehind) subscriber.isBehind = !subscriber.response.write(comment);
    }
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#keepAlive);
    this.#timer = undefined;
    this.#keepAlive = undefined;
  }
}
