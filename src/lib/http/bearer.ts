import type { HttpRequest } from "./context.ts";

const BEARER = /^Bearer +(\S{1,512})$/i;

/** The token of an `Authorization: Bearer` header (RFC 6750), or undefined when there is none that could be one. */
export function readBearer(request: Pick<HttpRequest, "headers">): string | undefined {
  return BEARER.exec(request.headers.authorization ?? "")?.[1];
}
