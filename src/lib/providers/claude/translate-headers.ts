const COUNT = /^\d{1,15}$/;
/** RFC 3339, section 5.6. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;
/** A later reset is not believed. */
const MAX_RESET_MS = 31 * 24 * 3_600_000;

const COUNTS: readonly (readonly [from: string, to: string])[] = [
  ["anthropic-ratelimit-requests-limit", "x-ratelimit-limit-requests"],
  ["anthropic-ratelimit-requests-remaining", "x-ratelimit-remaining-requests"],
  ["anthropic-ratelimit-tokens-limit", "x-ratelimit-limit-tokens"],
  ["anthropic-ratelimit-tokens-remaining", "x-ratelimit-remaining-tokens"],
];

const RESETS: readonly (readonly [from: string, to: string])[] = [
  ["anthropic-ratelimit-requests-reset", "x-ratelimit-reset-requests"],
  ["anthropic-ratelimit-tokens-reset", "x-ratelimit-reset-tokens"],
];

/**
 * Anthropic's rate limits (platform.claude.com/docs, Rate limits: response headers) under OpenAI's names, with the
 * instants of the resets as durations from now. `undefined` when there is none; malformed values are left out.
 *
 * @param now Milliseconds since the epoch.
 */
export function translateClaudeHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now: number,
): Readonly<Record<string, string>> | undefined {
  let translated: Record<string, string> | undefined;
  for (const [from, to] of COUNTS) {
    const value = headers[from];
    if (typeof value === "string" && COUNT.test(value)) (translated ??= {})[to] = value;
  }
  for (const [from, to] of RESETS) {
    const value = headers[from];
    if (typeof value !== "string" || !INSTANT.test(value)) continue;
    const resetMs = Date.parse(value) - now;
    if (resetMs <= MAX_RESET_MS) (translated ??= {})[to] = formatDuration(Math.max(0, Math.ceil(resetMs)));
  }
  return translated;
}

/** A duration as OpenAI writes it: `20ms`, `1.5s`, `6m0s`, `1h0m30s`. */
function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds}ms`;
  if (milliseconds < 60_000) return `${milliseconds / 1000}s`;
  const seconds = Math.ceil(milliseconds / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${seconds % 60}s`;
}
