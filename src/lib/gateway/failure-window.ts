const BUCKETS = 10;

/**
 * Successes and failures of the last `windowMs` milliseconds, in ten buckets that are reused in a ring: constant memory,
 * no timer, and no allocation after it was made. What is older than the window leaves it a tenth at a time.
 */
export class FailureWindow {
  readonly #bucketMs: number;
  readonly #failures = new Uint32Array(BUCKETS);
  readonly #totals = new Uint32Array(BUCKETS);
  #current = 0;
  #bucketEndsAt = Number.NEGATIVE_INFINITY;
  #failureSum = 0;
  #totalSum = 0;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  /** @param now Milliseconds on a clock that never goes back. */
  record(failed: boolean, now: number): void {
    this.#advance(now);
    const index = this.#current;
    this.#totals[index] = (this.#totals[index] ?? 0) + 1;
    this.#totalSum += 1;
    if (!failed) return;
    this.#failures[index] = (this.#failures[index] ?? 0) + 1;
    this.#failureSum += 1;
  }

  failures(now: number): number {
    this.#advance(now);
    return this.#failureSum;
  }

  total(now: number): number {
    this.#advance(now);
    return this.#totalSum;
  }

  clear(): void {
    this.#failures.fill(0);
    this.#totals.fill(0);
    this.#failureSum = 0;
    this.#totalSum = 0;
  }

  #advance(now: number): void {
    if (now < this.#bucketEndsAt) return;
    const passed = (now - this.#bucketEndsAt) / this.#bucketMs;
    if (passed >= BUCKETS) {
      this.clear();
      this.#bucketEndsAt = now + this.#bucketMs;
      return;
    }
    for (let count = Math.floor(passed); count >= 0; count -= 1) {
      this.#current = (this.#current + 1) % BUCKETS;
      this.#failureSum -= this.#failures[this.#current] ?? 0;
      this.#totalSum -= this.#totals[this.#current] ?? 0;
      this.#failures[this.#current] = 0;
      this.#totals[this.#current] = 0;
      this.#bucketEndsAt += this.#bucketMs;
    }
  }
}
