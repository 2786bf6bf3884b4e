import { isAscii } from "node:buffer";
import { renderErrorBody, renderErrorHeaders, type GatewayError } from "./errors.ts";
import type { HttpResponse } from "./context.ts";
import { pacedEnd } from "./paced-end.ts";
import { setUpstreamHeader } from "./rate-limit-owner.ts";
import { encodeData } from "./sse.ts";

/** Longest body that is sent in one piece with its headers, in bytes. */
const ONE_PIECE_MAX = 16 * 1024;

/** Sends a JSON answer. Bytes are sent as they are: they must be JSON already. Does nothing if the answer has begun. */
export function sendJson(response: HttpResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  response.statusCode = status;
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("content-length", body.length);
  if (!response.hasHeader("cache-control")) response.setHeader("cache-control", "no-store");
  // Node sends a short text in one piece with the headers, and bytes beside them.
  if (body.length <= ONE_PIECE_MAX && isAscii(body)) response.end(body.toString("latin1"));
  else pacedEnd(response, body);
}

/** Sends 204. */
export function sendNoContent(response: HttpResponse): void {
  if (response.headersSent) return;
  response.statusCode = 204;
  response.end();
}

/** Renders a failure: an OpenAI error object before the first byte; after it an error frame and an end without `[DONE]`. */
export function sendError(response: HttpResponse, error: GatewayError): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.end(encodeData(JSON.stringify(renderErrorBody(error))));
    return;
  }
  for (const [name, value] of Object.entries(renderErrorHeaders(error))) setUpstreamHeader(response, name, value);
  sendJson(response, error.status, renderErrorBody(error));
}

const UNFIT = /[^\x20-\x7e]/;
const MAX_HEADER_VALUE = 256;

/** Makes any text fit for a header value: printable ASCII, at most 256 characters. Model names come from clients and upstreams. */
export function headerValue(text: string): string {
  if (text.length <= MAX_HEADER_VALUE && !UNFIT.test(text)) return text;
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_HEADER_VALUE);
}
