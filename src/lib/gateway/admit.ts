import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { setOwnRateLimit } from "../http/rate-limit-owner.ts";
import { rateLimitHeaders } from "../limits/rate-limit-headers.ts";
import type { Limiter, Verdict } from "../limits/types.ts";
import type { MaybePromise } from "../maybe-promise.ts";

const MESSAGES: Readonly<Record<(Verdict & { readonly admitted: false })["reason"], string>> = {
  rate: "This key has made as many requests as it may in a minute.",
  concurrency: "This key has as many requests under way as it may; wait for one of them to end.",
  full: "The proxy has as many requests under way as it takes.",
  away: "The limits of this key cannot be checked now.",
};
const NOTHING = (): void => undefined;

/**
 * Lets a request of a key in, or throws: `rate_limit_exceeded` (429) where the key's own limits are reached,
 * `proxy_overloaded` (503) where the proxy is full. Answers the function to call when the request has ended. Sets
 * `x-ratelimit-*-requests` on the answer where requests per minute are limited, whatever an upstream says of its own.
 */
export function admit(context: HttpContext, keyId: string, limiter: Limiter): MaybePromise<() => void> {
  if (context.relayed?.isAdmitted === true) return NOTHING;
  const verdict = limiter.reserve(keyId);
  return verdict instanceof Promise ? verdict.then((late) => enforce(context, late)) : enforce(context, verdict);
}

function enforce(context: HttpContext, verdict: Verdict): () => void {
  if (verdict.quota !== undefined) setOwnRateLimit(context.response, rateLimitHeaders(verdict.quota));
  if (verdict.admitted) return verdict.release;
  throw refusal(verdict);
}

function refusal({ reason, retryAfterMs, quota }: Verdict & { readonly admitted: false }): GatewayError {
  const code = reason === "rate" || reason === "concurrency" ? "rate_limit_exceeded" : "proxy_overloaded";
  const message =
    quota !== undefined && reason === "rate"
      ? `This key is limited to ${quota.limit} requests per minute.`
      : MESSAGES[reason];
  return new GatewayError(code, message, { retryAfterMs });
}
