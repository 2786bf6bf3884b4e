import { readBearer } from "../http/bearer.ts";
import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import type { AdminKey } from "../keys/admin-key.ts";
import type { AttemptLimiter } from "../limits/attempt-limiter.ts";
import { isValidSession, readSessionCookie } from "./session-cookie.ts";

/** Sent by the dashboard with every change: another site cannot send it without the proxy's consent. */
export const CSRF_HEADER = "x-codewise-csrf";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export interface AdminAuthorizer {
  /**
   * Lets a request pass that carries the admin key as bearer token, or a session cookie. Throws GatewayError:
   * `invalid_api_key` without either, `csrf_rejected` where a change by cookie may come from another site,
   * `rate_limit_exceeded` for a wrong key after too many, `database_unavailable` while the key is not known yet.
   */
  requireAdmin(context: HttpContext): void;
  /** Whether the request carries a valid session cookie. */
  isSignedIn(context: HttpContext): boolean;
  /** Checks a key, counting wrong ones; the right one always passes. Throws as {@link AdminAuthorizer.requireAdmin}. */
  verifyKey(context: HttpContext, key: string): void;
}

export interface AdminAuthorizerOptions {
  readonly adminKey: AdminKey;
  readonly limiter: AttemptLimiter;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export function createAdminAuthorizer({ adminKey, limiter, now = Date.now }: AdminAuthorizerOptions): AdminAuthorizer {
  const verifyKey = (context: HttpContext, key: string): void => {
    if (!adminKey.isReady) {
      const message = "The admin key is not known yet: the database is unavailable.";
      throw new GatewayError("database_unavailable", message, { retryAfterMs: 1000 });
    }
    // First, or whoever shares the operator's address, as all do behind one TLS terminator, could lock the operator out.
    if (adminKey.verify(key)) return;
    limiter.check(context.remoteAddress);
    limiter.fail(context.remoteAddress);
    throw new GatewayError("invalid_api_key", "Incorrect admin key provided.");
  };

  const isSignedIn = (context: HttpContext): boolean => {
    const session = readSessionCookie(context.request.headers.cookie);
    const signingKey = adminKey.signingKey();
    return session !== undefined && signingKey !== undefined && isValidSession(session, signingKey, now());
  };

  return {
    verifyKey,
    isSignedIn,
    requireAdmin(context) {
      const token = readBearer(context.request);
      if (token !== undefined) return verifyKey(context, token);
      if (!isSignedIn(context)) {
        throw new GatewayError("invalid_api_key", "Sign in, or send the admin key in an Authorization header.");
      }
      if (!SAFE_METHODS.has(context.request.method ?? "")) requireSameSite(context);
    },
  };
}

/**
 * Refuses a change that a page of another origin may have caused. SameSite=Strict already keeps the cookie from other
 * sites; this also holds against other origins of the same site, such as another port of localhost. Throws
 * GatewayError `csrf_rejected`.
 */
export function requireSameSite(context: HttpContext): void {
  const { headers } = context.request;
  const site = headers["sec-fetch-site"];
  const isAllowed =
    headers[CSRF_HEADER] === "1" &&
    (site === undefined || site === "same-origin" || site === "none") &&
    (headers.origin === undefined || hostOf(headers.origin) === headers.host?.toLowerCase());
  if (!isAllowed) throw new GatewayError("csrf_rejected", "This change did not come from the dashboard.");
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
