import { GatewayError } from "../http/errors.ts";

export interface AttemptLimiterOptions {
  /** Failures allowed per source and window. */
  readonly maxFailures?: number;
  readonly windowMs?: number;
  /** Sources remembered; the oldest is forgotten beyond it. */
  readonly maxSources?: number;
  /** What a source that is turned away is told; about wrong admin keys unless told otherwise. */
  readonly message?: string;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/**
 * Counts attempts, such as those with a wrong admin key, per source, such as a remote address, in fixed windows, to turn
 * away a client that goes on. Whether an attempt that may be right is let through first is for the caller to decide: what
 * keeps an admin key from being guessed is its length, what keeps a short code from it is this count.
 */
export interface AttemptLimiter {
  /** Throws GatewayError `rate_limit_exceeded` with the wait, when the source has failed too often. */
  check(source: string): void;
  fail(source: string): void;
}

export function createAttemptLimiter(options: AttemptLimiterOptions = {}): AttemptLimiter {
  const { maxFailures = 10, windowMs = 60_000, maxSources = 10_000, now = () => performance.now() } = options;
  const { message = "Too many attempts with a wrong admin key." } = options;
  const windows = new Map<string, { readonly endsAt: number; failures: number }>();

  return {
    check(source) {
      const window = windows.get(source);
      if (window === undefined || window.failures < maxFailures) return;
      const retryAfterMs = window.endsAt - now();
      if (retryAfterMs <= 0) return;
      throw new GatewayError("rate_limit_exceeded", message, { retryAfterMs });
    },
    fail(source) {
      const window = windows.get(source);
      if (window !== undefined && window.endsAt > now()) {
        window.failures += 1;
        return;
      }
      windows.delete(source);
      windows.set(source, { endsAt: now() + windowMs, failures: 1 });
      const oldest = windows.keys().next();
      if (windows.size > maxSources && oldest.done !== true) windows.delete(oldest.value);
    },
  };
}
