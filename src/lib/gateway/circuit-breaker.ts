import { FailureWindow } from "./failure-window.ts";

export type CircuitState = "closed" | "open" | "half_open";

/**
 * Leave to ask a target once, to be given back by exactly one of `succeed`, `fail` and `release`. A number, so that
 * nothing is allocated per request: {@link REFUSED}, {@link PASS}, or what is greater: the mark of one probe.
 */
export type Permit = number;

/** The circuit is open: the target must not be asked. */
export const REFUSED: Permit = 0;
/** The circuit is closed: asked as usual. */
export const PASS: Permit = 1;

/** So many failures in a row open a circuit, however far apart: the measure for little traffic. */
const FAILURES_IN_A_ROW = 8;
/** The measure for much traffic: a share of the answers in the window, once it holds enough of them to tell. */
const WINDOW_MS = 30_000;
const MIN_ANSWERS = 20;
const FAILURE_RATIO = 0.6;
/** The longest time between two probes, whatever the upstream asks for. */
const MAX_COOLDOWN_MS = 5 * 60_000;
/** A probe that has told nothing for so long no longer keeps the next one back. */
export const PROBE_PATIENCE_MS = 30_000;

// Never reused in a process: a permit that outlives its breaker fits no other.
let lastProbe = PASS;

export interface CircuitBreakerOptions {
  /** Time from opening to the first probe, in milliseconds; doubles with each probe that fails. 0: it never opens. */
  readonly cooldownMs: number;
  readonly onTransition: (from: CircuitState, to: CircuitState) => void;
}

/**
 * The circuit breaker of one target (Nygard, Release It!): closed, open, half-open with one probe at a time. It has no
 * timer: its state follows from the clock that each call passes in (milliseconds, never going back). Everything is O(1).
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #window = new FailureWindow(WINDOW_MS);
  #state: CircuitState = "closed";
  #failuresInARow = 0;
  #failedProbes = 0;
  #failuresAtOpening = 0;
  #openedAt = 0;
  #nextProbeAt = 0;
  #probe: Permit = REFUSED;
  #probeEndsAt = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** Asks for leave: once the cool-down is over, the first who asks is the probe. */
  enter(now: number): Permit {
    if (this.#state === "closed") return PASS;
    if (this.waitMs(now) > 0) return REFUSED;
    lastProbe += 1;
    this.#probe = lastProbe;
    this.#probeEndsAt = now + PROBE_PATIENCE_MS;
    this.#become("half_open");
    return this.#probe;
  }

  /** The target has answered. A probe, even a late one, closes the circuit; a `PASS` from before it opened tells nothing new. */
  succeed(permit: Permit, now: number): void {
    if (permit === PASS && this.#state === "closed") {
      this.#failuresInARow = 0;
      this.#window.record(false, now);
    } else if (permit > PASS && this.#state !== "closed") {
      this.#close();
    }
  }

  /**
   * The target has failed.
   *
   * @param retryAfterMs How long the upstream asked to wait, which lengthens the cool-down.
   */
  fail(permit: Permit, now: number, retryAfterMs = 0): void {
    if (permit === PASS && this.#state === "closed") {
      this.#failuresInARow += 1;
      this.#window.record(true, now);
      if (!this.#isOverLimit(now)) return;
      this.#failuresAtOpening = Math.max(this.#failuresInARow, this.#window.failures(now));
      this.#open(now, retryAfterMs);
    } else if (permit > PASS && permit === this.#probe && this.#state === "half_open") {
      this.#failedProbes += 1;
      this.#open(now, retryAfterMs);
    }
  }

  /** Gives leave back without a verdict, as when the client went away: the next who asks may be the probe at once. */
  release(permit: Permit): void {
    if (permit > PASS && permit === this.#probe) this.#probe = REFUSED;
  }

  /** Milliseconds until it may let the next one through; 0 when it would do so now. */
  waitMs(now: number): number {
    if (this.#state === "closed") return 0;
    if (this.#state === "open") return Math.max(0, this.#nextProbeAt - now);
    if (this.#probe === REFUSED) return 0;
    // A probe mostly tells much earlier than it must.
    return Math.min(this.#options.cooldownMs, Math.max(0, this.#probeEndsAt - now));
  }

  /** The state as of now: an open circuit is half-open from the moment on that the next request would be a probe. */
  state(now: number): CircuitState {
    return this.#state === "open" && now >= this.#nextProbeAt ? "half_open" : this.#state;
  }

  /** Failures in the window; while it is not closed, those that opened it and the failed probes since. */
  failures(now: number): number {
    return this.#state === "closed" ? this.#window.failures(now) : this.#failuresAtOpening + this.#failedProbes;
  }

  /** When it opened last; `undefined` while it is closed. */
  get openedAt(): number | undefined {
    return this.#state === "closed" ? undefined : this.#openedAt;
  }

  /** When the next probe may go; `undefined` while it is closed. */
  nextProbeAt(now: number): number | undefined {
    return this.#state === "closed" ? undefined : now + this.waitMs(now);
  }

  /** Whether it knows nothing that one made anew would not. */
  isIdle(now: number): boolean {
    return this.#state === "closed" && this.#failuresInARow === 0 && this.#window.failures(now) === 0;
  }

  #isOverLimit(now: number): boolean {
    if (this.#options.cooldownMs === 0) return false;
    if (this.#failuresInARow >= FAILURES_IN_A_ROW) return true;
    const total = this.#window.total(now);
    return total >= MIN_ANSWERS && this.#window.failures(now) >= FAILURE_RATIO * total;
  }

  #open(now: number, retryAfterMs: number): void {
    const backoffMs = this.#options.cooldownMs * 2 ** Math.min(this.#failedProbes, 16);
    this.#openedAt = now;
    this.#nextProbeAt = now + Math.min(Math.max(backoffMs, retryAfterMs), MAX_COOLDOWN_MS);
    this.#probe = REFUSED;
    this.#become("open");
  }

  #close(): void {
    this.#failuresInARow = 0;
    this.#failedProbes = 0;
    this.#probe = REFUSED;
    this.#window.clear();
    this.#become("closed");
  }

  #become(state: CircuitState): void {
    const from = this.#state;
    this.#state = state;
    if (from !== state) this.#options.onTransition(from, state);
  }
}
