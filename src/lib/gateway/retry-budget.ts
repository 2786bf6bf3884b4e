/** Retries that may follow each other at once; as many as it holds at first, and at most. */
const MAX_TOKENS = 10;
/** What each request adds: with it, retries are at most a quarter of the requests in the long run. */
const TOKENS_PER_REQUEST = 0.25;
/** What time adds, so that little traffic can retry too: one in ten seconds. */
const TOKENS_PER_MS = 1 / 10_000;

/**
 * How many retries one target is spared for: a token bucket that requests fill and retries empty (as in Finagle's
 * RetryBudget), so that an outage adds a quarter to the traffic and does not double it. No timer: computed from the clock
 * that is passed in, in milliseconds.
 */
export class RetryBudget {
  #tokens = MAX_TOKENS;
  #filledAt: number;

  constructor(now: number) {
    this.#filledAt = now;
  }

  /** A request goes to the target for the first time. */
  deposit(now: number): void {
    this.#fill(now, TOKENS_PER_REQUEST);
  }

  /** Takes one retry out. False when there is none. */
  take(now: number): boolean {
    this.#fill(now, 0);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  isFull(now: number): boolean {
    this.#fill(now, 0);
    return this.#tokens === MAX_TOKENS;
  }

  #fill(now: number, extra: number): void {
    this.#tokens = Math.min(MAX_TOKENS, this.#tokens + extra + (now - this.#filledAt) * TOKENS_PER_MS);
    this.#filledAt = now;
  }
}
