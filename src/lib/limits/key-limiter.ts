import { SlidingMinute } from "./sliding-minute.ts";
import type { RequestQuota, Verdict } from "./types.ts";

/** A key's place is free when one of its requests ends, which nobody can foretell. In milliseconds. */
const CONCURRENCY_RETRY_MS = 1000;
const NOTHING = (): void => undefined;

export interface KeyLimiterOptions {
  /** Requests per key in any 60 s; 0 for no limit. */
  readonly requestsPerMinute: number;
  /** Requests per key at a time; 0 for no limit. */
  readonly maxConcurrency: number;
  /** Keys that are remembered; beyond it those that were not used for longest are forgotten. */
  readonly maxKeys?: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

interface KeyState {
  readonly minute: SlidingMinute;
  running: number;
}

/** The limits of each client key, exact in one process: synchronous, so that no two requests take the same place. */
export class KeyLimiter {
  readonly #options: Required<KeyLimiterOptions>;
  /** In the order of their last use. */
  readonly #keys = new Map<string, KeyState>();
  readonly #isOff: boolean;
  #newestKeyId: string | undefined;
  #newestState: KeyState | undefined;

  constructor(options: KeyLimiterOptions) {
    this.#options = { maxKeys: 10_000, now: () => performance.now(), ...options };
    this.#isOff = options.requestsPerMinute === 0 && options.maxConcurrency === 0;
  }

  /** Whether a place that was taken must be given back: only where requests at a time are limited. */
  get holdsPlaces(): boolean {
    return this.#options.maxConcurrency > 0;
  }

  /** Takes a place for one request of a key. What is refused does not count. */
  reserve(keyId: string): Verdict {
    if (this.#isOff) return { admitted: true, release: NOTHING };
    const { requestsPerMinute, maxConcurrency, now } = this.#options;
    const nowMs = now();
    const state = this.#use(keyId);
    if (maxConcurrency > 0 && state.running >= maxConcurrency) {
      return {
        admitted: false,
        reason: "concurrency",
        retryAfterMs: CONCURRENCY_RETRY_MS,
        quota: this.#quota(state, nowMs),
      };
    }
    if (requestsPerMinute > 0) {
      if (state.minute.total(nowMs) >= requestsPerMinute) {
        const retryAfterMs = state.minute.untilNextMs(nowMs);
        return { admitted: false, reason: "rate", retryAfterMs, quota: this.#quota(state, nowMs) };
      }
      state.minute.add(nowMs);
    }
    state.running += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      state.running -= 1;
    };
    return { admitted: true, release, quota: this.#quota(state, nowMs) };
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  #quota(state: KeyState, nowMs: number): RequestQuota | undefined {
    const limit = this.#options.requestsPerMinute;
    if (limit === 0) return undefined;
    const remaining = Math.max(0, limit - state.minute.total(nowMs));
    return { limit, remaining, resetMs: state.minute.untilEmptyMs(nowMs) };
  }

  #use(keyId: string): KeyState {
    // A key that comes again and again keeps its place: each move leaves a hole in the map, which is soon made anew for them.
    if (keyId === this.#newestKeyId && this.#newestState !== undefined) return this.#newestState;
    const known = this.#keys.get(keyId);
    const state = known ?? { minute: new SlidingMinute(), running: 0 };
    if (known !== undefined) this.#keys.delete(keyId);
    this.#keys.set(keyId, state);
    this.#newestKeyId = keyId;
    this.#newestState = state;
    if (known === undefined && this.#keys.size > this.#options.maxKeys) this.#forgetOne(keyId);
    return state;
  }

  /** Forgets the key that was not used for longest among those without a request under way. */
  #forgetOne(except: string): void {
    for (const [keyId, state] of this.#keys) {
      if (state.running > 0 || keyId === except) continue;
      this.#keys.delete(keyId);
      return;
    }
  }
}
