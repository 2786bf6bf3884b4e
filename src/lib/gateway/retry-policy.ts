import type { ErrorCode, GatewayError } from "../http/errors.ts";
import { isCliProvider } from "../providers/cli-providers.ts";
import type { ProviderType } from "../providers/types.ts";

/** Full jitter (Brooker, "Exponential Backoff And Jitter"): a wait from 0 up to this, as there is one retry only. */
const BACKOFF_MS = 500;
/** Added to a wait that the upstream asked for, up to this, so that those who were told the same do not come at once. */
const SPREAD_MS = 250;

/** Faults of an upstream API that may be over in a moment, before any of its work was paid for. */
const PASSING_CODES: ReadonlySet<ErrorCode> = new Set([
  "rate_limit_exceeded",
  "upstream_overloaded",
  "upstream_error",
  "upstream_connection_failed",
  "upstream_timeout",
]);

/** Faults that tell that a target is unwell, rather than the request, its account or its client. */
const TARGET_CODES: ReadonlySet<ErrorCode> = new Set([
  ...PASSING_CODES,
  "upstream_incomplete",
  "upstream_invalid_response",
]);

/**
 * Whether retries of the same target and its circuit breaker apply. Not to CLIs: `claude` repeats failed calls of the
 * model's API itself, the agents' manager has tried every other agent before it gives up, `agents_busy` has waited in
 * its queue already, and one laptop in trouble must not close the door of the others.
 */
export function isGuarded(type: ProviderType): boolean {
  return !isCliProvider(type);
}

/**
 * Whether a failure counts against the target's circuit breaker. A 429 of which the upstream says that repeating cannot
 * help does not: it is about that request, such as one that alone is over the limit.
 */
export function countsAgainstTarget(error: GatewayError): boolean {
  if (error.code === "rate_limit_exceeded" && error.shouldRetry === false) return false;
  // What names a field of the request is about the request: one client's `n` must not close a door for the others.
  if (error.param !== null) return false;
  return TARGET_CODES.has(error.code);
}

/**
 * Whether the same target may be asked again: the fault may pass, no tokens were used, the time of the attempt is not
 * spent, and the upstream did not say `x-should-retry: false`.
 */
export function mayAskAgain(error: GatewayError): boolean {
  return error.failover && error.shouldRetry !== false && error.usage === undefined && PASSING_CODES.has(error.code);
}

/**
 * How long to wait before the same target is asked again, in milliseconds: at least what it asked for itself
 * (`retryAfterMs`), else by full jitter. `undefined` when that is longer than `maxWaitMs`, does not end before the
 * request's deadline, or retries are off (`maxWaitMs` 0).
 *
 * @param random From 0 up to, but not, 1.
 */
export function planRetryWait(plan: {
  readonly retryAfterMs: number | undefined;
  readonly maxWaitMs: number;
  /** What remains of the request's time. */
  readonly remainingMs: number;
  readonly random: number;
}): number | undefined {
  const { retryAfterMs, maxWaitMs, remainingMs, random } = plan;
  if (maxWaitMs === 0 || (retryAfterMs !== undefined && retryAfterMs > maxWaitMs)) return undefined;
  const wanted = retryAfterMs === undefined ? random * BACKOFF_MS : retryAfterMs + random * SPREAD_MS;
  const waitMs = Math.min(wanted, maxWaitMs);
  return waitMs < remainingMs ? waitMs : undefined;
}
