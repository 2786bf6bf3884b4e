const BUCKET_MS = 1000;
/** The second that runs and the sixty before it: whatever a bucket holds is counted for at least 60 s. */
const BUCKETS = 61;

/**
 * Counts what happened in the last minute, in buckets of a second: each event counts for 60 to 61 s, so that no 60
 * seconds ever hold more than a limit which is held against `total`. 244 bytes, whatever the limit. Times are
 * milliseconds on a clock that never goes back.
 */
export class SlidingMinute {
  readonly #counts = new Uint32Array(BUCKETS);
  /** The number of the newest second that was looked at, since the clock's zero. */
  #second = 0;
  #total = 0;
  /** The second of the newest event. */
  #newest = 0;

  /** Events that count at a time. */
  total(nowMs: number): number {
    this.#advance(nowMs);
    return this.#total;
  }

  add(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#second % BUCKETS;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#newest = this.#second;
    this.#total += 1;
  }

  /** Until the oldest event no longer counts; 0 where none does. */
  untilNextMs(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#total === 0) return 0;
    let second = Math.max(0, this.#second - BUCKETS + 1);
    while (this.#counts[second % BUCKETS] === 0) second += 1;
    return (second + BUCKETS) * BUCKET_MS - nowMs;
  }

  /** Until no event of now counts any more. */
  untilEmptyMs(nowMs: number): number {
    this.#advance(nowMs);
    return this.#total === 0 ? 0 : (this.#newest + BUCKETS) * BUCKET_MS - nowMs;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / BUCKET_MS);
    const steps = Math.min(BUCKETS, second - this.#second);
    for (let step = 1; step <= steps && this.#total > 0; step += 1) {
      const index = (this.#second + step) % BUCKETS;
      this.#total -= this.#counts[index] ?? 0;
      this.#counts[index] = 0;
    }
    if (second > this.#second) this.#second = second;
  }
}
