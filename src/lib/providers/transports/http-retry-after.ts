import type { IncomingHttpHeaders } from "node:http";

/** Longer waits are not believed. */
const MAX_RETRY_AFTER_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms` (OpenAI, Azure), else `retry-after` in seconds or
 * as an HTTP date (RFC 9110, 10.2.3). `undefined` when it says nothing usable.
 *
 * @param now Milliseconds since the epoch.
 */
export function readRetryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const milliseconds = readNumber(headers["retry-after-ms"]);
  if (milliseconds !== undefined) return bound(milliseconds);
  const retryAfter = headers["retry-after"];
  if (retryAfter === undefined) return undefined;
  const seconds = readNumber(retryAfter);
  if (seconds !== undefined) return bound(seconds * 1000);
  // HTTP dates begin with a weekday; Date.parse would also take "-1" for a year.
  const date = /^[A-Za-z]{3}/.test(retryAfter) ? Date.parse(retryAfter) : Number.NaN;
  return Number.isNaN(date) ? undefined : bound(date - now);
}

function readNumber(value: string | string[] | undefined): number | undefined {
  if (typeof value !== "string" || !/^\d+(\.\d+)?$/.test(value.trim())) return undefined;
  return Number(value);
}

function bound(milliseconds: number): number | undefined {
  return milliseconds <= MAX_RETRY_AFTER_MS ? Math.max(0, Math.ceil(milliseconds)) : undefined;
}
