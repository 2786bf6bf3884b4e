import type { GuardedHandler } from "../agent/status.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import { readBearer } from "../http/bearer.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { CLIENT_KEY_PREFIX } from "../keys/generate.ts";

export interface GuardStatusOptions {
  readonly lookUpKey: (token: string) => MaybePromise<{ readonly id: string } | undefined>;
  /** Throws unless the request is the operator's. */
  readonly requireAdmin: (context: HttpContext) => void;
}

/** Lets the operator (admin key or session) and holders of a client key see what a handler shows them. */
export function guardStatus(options: GuardStatusOptions): (handler: GuardedHandler) => HttpHandler {
  return (handler) => async (context) => {
    const token = readBearer(context.request);
    if (token === undefined || !token.startsWith(CLIENT_KEY_PREFIX)) {
      options.requireAdmin(context);
      return await handler(context, undefined);
    }
    const key = await options.lookUpKey(token);
    if (key === undefined) throw new GatewayError("invalid_api_key", "Incorrect API key provided.");
    return await handler(context, key.id);
  };
}
