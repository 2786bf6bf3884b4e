import type { HttpContext, HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { readJson } from "../http/json-body.ts";
import { sendJson, sendNoContent } from "../http/respond.ts";
import type { AdminKey } from "../keys/admin-key.ts";
import { requireSameSite, type AdminAuthorizer } from "./authorize.ts";
import { issueSession, renderSessionCookie } from "./session-cookie.ts";
import { signInRequestSchema } from "./types.ts";

const MAX_BODY_BYTES = 4096;

export interface SessionOptions {
  readonly adminKey: AdminKey;
  readonly authorizer: AdminAuthorizer;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The proxy itself speaks HTTP only; a TLS terminator in front of it says so here. */
function isSecure(context: HttpContext): boolean {
  const protocol = context.request.headers["x-forwarded-proto"];
  const first = Array.isArray(protocol) ? protocol[0] : protocol;
  return first?.split(",")[0]?.trim().toLowerCase() === "https";
}

/** `POST /api/admin/session` `{key}`: 204 with the session cookie, 401 for a wrong key, 429 for one after ten in a minute. */
export function createSignInHandler({ adminKey, authorizer, now = Date.now }: SessionOptions): HttpHandler {
  return async (context) => {
    const { key } = await readJson(context, signInRequestSchema, MAX_BODY_BYTES);
    authorizer.verifyKey(context, key);
    const signingKey = adminKey.signingKey();
    if (signingKey === undefined) throw new GatewayError("database_unavailable", "The admin key is not known yet.");
    context.response.setHeader("set-cookie", renderSessionCookie(issueSession(signingKey, now()), isSecure(context)));
    sendNoContent(context.response);
  };
}

/** `DELETE /api/admin/session`: 204, the cookie is cleared. Needs no session, so that it works after its end too. */
export function createSignOutHandler(): HttpHandler {
  return async (context) => {
    requireSameSite(context);
    context.response.setHeader("set-cookie", renderSessionCookie("", isSecure(context)));
    sendNoContent(context.response);
  };
}

/** `GET /api/admin/session`: `{signedIn}`. Needs no session. */
export function createSessionStateHandler({ authorizer }: Pick<SessionOptions, "authorizer">): HttpHandler {
  return async (context) => {
    sendJson(context.response, 200, { signedIn: authorizer.isSignedIn(context) });
  };
}
