import type { IncomingMessage } from "node:http";
import { GatewayError } from "../lib/http/errors.ts";

/** What no host and port can hold; a comma also joins the values of two Host headers. */
const BAD_HOST = /[\s,/@?#\\<>"]/;

/**
 * Why a request that node:http lets through is refused all the same (RFC 9112): no Host, two, or none that could be one
 * (400); a transfer coding besides `chunked` (501); a major version other than 1 (505). Such requests are how two servers
 * are made to disagree. Undefined for all others.
 */
export function refusalOf(request: Pick<IncomingMessage, "headers" | "httpVersionMajor" | "httpVersionMinor">) {
  const { host, "transfer-encoding": coding } = request.headers;
  if (request.httpVersionMajor !== 1) {
    return new GatewayError("invalid_request", "Only HTTP/1.1 is spoken here.", { status: 505 });
  }
  if (host === undefined ? request.httpVersionMinor > 0 : BAD_HOST.test(host)) {
    return new GatewayError("invalid_request", "The request needs one valid Host header.");
  }
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return new GatewayError("invalid_request", "The only transfer coding known here is chunked.", { status: 501 });
  }
  return undefined;
}
