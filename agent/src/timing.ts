import { setTimeout as delay } from "node:timers/promises";

/** A wait of some milliseconds that ends early, without an error, when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** A number in [0, 1), as `Math.random` gives it; injected so that tests can fix it. */
export type Random = () => number;

export const sleep: Sleep = async (ms, signal) => {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};

export interface Backoff {
  /** Bound of the first delay, in milliseconds; it doubles with every failure. */
  readonly baseMs: number;
  /** Bound that is never exceeded, in milliseconds. */
  readonly maximumMs: number;
}

/**
 * Exponential backoff with full jitter: a uniform value in [0, min(maximum, base * 2^failures)), in milliseconds, where
 * `failures` counts from 0. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function fullJitter(backoff: Backoff, failures: number, random: Random): number {
  return random() * Math.min(backoff.maximumMs, backoff.baseMs * 2 ** Math.min(failures, 30));
}
