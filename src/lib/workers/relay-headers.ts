import type { IncomingHttpHeaders } from "node:http";
import type { RequestOrigin } from "../http/node-context.ts";

/** Set by a worker on what it passes on, and taken off what clients send. */
const ORIGIN_HEADERS = {
  requestId: "x-codewise-relay-request-id",
  address: "x-codewise-relay-address",
  admitted: "x-codewise-relay-admitted",
} as const;

/** Headers of one connection only (RFC 9110, 7.6.1), and `expect`, which node:http has answered already. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  ...Object.values(ORIGIN_HEADERS),
]);

/** The headers under which a client's request goes on to the home. */
export function headersToHome(headers: IncomingHttpHeaders, origin: RequestOrigin): Record<string, string | string[]> {
  const named = namedByConnection(headers.connection);
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name)) passed[name] = value;
  }
  passed[ORIGIN_HEADERS.requestId] = origin.requestId;
  passed[ORIGIN_HEADERS.address] = origin.remoteAddress;
  if (origin.isAdmitted) passed[ORIGIN_HEADERS.admitted] = "1";
  return passed;
}

/** Where a request came from, as a worker says; only for a listener that nobody but workers reaches. */
export function readOrigin(headers: IncomingHttpHeaders): RequestOrigin | undefined {
  const requestId = headers[ORIGIN_HEADERS.requestId];
  if (typeof requestId !== "string") return undefined;
  const address = headers[ORIGIN_HEADERS.address];
  return {
    requestId,
    remoteAddress: typeof address === "string" ? address : "",
    isAdmitted: headers[ORIGIN_HEADERS.admitted] === "1",
  };
}

/** Whether a header of the home's answer goes on to the client. */
export function isForClient(name: string): boolean {
  return !HOP_BY_HOP.has(name);
}

function namedByConnection(value: string | undefined): ReadonlySet<string> {
  return new Set(value?.toLowerCase().split(/\s*,\s*/) ?? []);
}
