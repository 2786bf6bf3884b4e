import { readBearer } from "../http/bearer.ts";
import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import type { MaybePromise } from "../maybe-promise.ts";

/** Resolves the client key of a request by `lookUp`, or throws `invalid_api_key` (401). */
export function authenticate<Key>(
  context: HttpContext,
  lookUp: (token: string) => MaybePromise<Key | undefined>,
): MaybePromise<Key> {
  const token = readBearer(context.request);
  if (token === undefined) {
    throw new GatewayError(
      "invalid_api_key",
      "You didn't provide an API key. Send it in an Authorization header: `Authorization: Bearer cw_…`.",
    );
  }
  const key = lookUp(token);
  return key instanceof Promise ? key.then(requireKey) : requireKey(key);
}

function requireKey<Key>(key: Key | undefined): Key {
  if (key === undefined) throw new GatewayError("invalid_api_key", "Incorrect API key provided.");
  return key;
}
