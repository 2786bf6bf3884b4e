import type { CallTimeouts } from "../types.ts";
import { GatewayError } from "../../http/errors.ts";
import { timeoutError } from "./http-errors.ts";

/** Node's longest timer, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The connect, first-output, idle and total clocks of one request, from now on. `Infinity` switches a clock off. All four
 * share one timer, which is set for the earliest end and looks again when it fires, so that output costs no more than
 * noting the time. At most one calls back, and once; after {@link HttpDeadlines.clear} none does.
 */
export class HttpDeadlines {
  readonly #timeouts: CallTimeouts;
  readonly #onTimeout: (error: GatewayError) => void;
  readonly #startedAt = performance.now();
  #isConnected = false;
  #isPaused = false;
  #lastOutputAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = NEVER;

  constructor(timeouts: CallTimeouts, onTimeout: (error: GatewayError) => void) {
    this.#timeouts = timeouts;
    this.#onTimeout = onTimeout;
    this.#arm(this.#startedAt);
  }

  /** The connection stands: ends the connect clock. */
  connected(): void {
    this.#isConnected = true;
  }

  /** Real output came: ends the first-output clock and winds the idle clock. */
  output(): void {
    const isFirst = this.#lastOutputAt === undefined;
    this.#lastOutputAt = performance.now();
    if (isFirst) this.#arm(this.#lastOutputAt);
  }

  /** The reader is slow, which is not the upstream's fault: stops the idle clock until the next `resumed`. */
  paused(): void {
    this.#isPaused = true;
  }

  resumed(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#lastOutputAt === undefined) return;
    this.#lastOutputAt = performance.now();
    this.#arm(this.#lastOutputAt);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#firesAt = Number.NEGATIVE_INFINITY;
  }

  get #totalEnd(): number {
    return this.#startedAt + this.#timeouts.totalMs;
  }

  get #connectEnd(): number {
    return this.#isConnected ? NEVER : this.#startedAt + this.#timeouts.connectMs;
  }

  get #outputEnd(): number {
    if (this.#lastOutputAt === undefined) return this.#startedAt + this.#timeouts.firstOutputMs;
    return this.#isPaused ? NEVER : this.#lastOutputAt + this.#timeouts.idleMs;
  }

  /** Sets the timer unless it fires early enough already. */
  #arm(now: number): void {
    const end = Math.min(this.#connectEnd, this.#outputEnd, this.#totalEnd);
    if (end >= this.#firesAt || end === NEVER) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#firesAt = end;
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(end - now, 0), MAX_TIMER_MS));
  }

  #check(): void {
    this.#firesAt = NEVER;
    const now = performance.now();
    // A timer may fire a fraction of a millisecond early.
    const error = this.#findExpired(now + 1);
    if (error === undefined) this.#arm(now);
    else this.#onTimeout(error);
  }

  #findExpired(now: number): GatewayError | undefined {
    if (this.#totalEnd <= now) return deadlineError();
    if (this.#connectEnd <= now) return timeoutError("connecting to the upstream", { unsent: true });
    if (this.#outputEnd > now) return undefined;
    return timeoutError(
      this.#lastOutputAt === undefined
        ? "waiting for the upstream's first output"
        : "waiting for the upstream's next output",
    );
  }
}

/** The request's time is spent, here as at the gateway: no other target could serve it any more. */
function deadlineError(): GatewayError {
  return new GatewayError("deadline_exceeded", "The request took longer than it may.");
}
