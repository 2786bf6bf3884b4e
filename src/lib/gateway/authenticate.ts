import type { HttpContext } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";

const BEARER = /^Bearer +(\S{1,512})$/i;

/** The token of an `Authorization: Bearer` header, or undefined when there is none that could be one. */
export function bearerToken(context: HttpContext): string | undefined {
  return BEARER.exec(context.request.headers.authorization ?? "")?.[1];
}

/** Resolves the client key of a request by `lookUp`, or throws `invalid_api_key` (401). */
export async function authenticate<Key>(
  context: HttpContext,
  lookUp: (token: string) => Promise<Key | undefined>,
): Promise<Key> {
  const token = bearerToken(context);
  if (token === undefined) {
    throw new GatewayError(
      "invalid_api_key",
      "You didn't provide an API key. Send it in an Authorization header: `Authorization: Bearer cw_…`.",
    );
  }
  const key = await lookUp(token);
  if (key === undefined) throw new GatewayError("invalid_api_key", "Incorrect API key provided.");
  return key;
}
