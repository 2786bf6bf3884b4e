import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpContext } from "./context.ts";
import { GatewayError } from "./errors.ts";

/**
 * Makes the context of a node:http exchange: a fresh request id (sent as `x-request-id`), the decoded path, and a signal
 * that aborts with `client_closed_request` when the client closes before the answer has ended.
 */
export function createNodeContext(request: IncomingMessage, response: ServerResponse): HttpContext {
  const requestId = `req_${randomUUID().replaceAll("-", "")}`;
  response.setHeader("x-request-id", requestId);
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) {
      controller.abort(new GatewayError("client_closed_request", "The client closed the request."));
    }
  });
  const { path, query } = splitTarget(request.url ?? "/");
  return {
    requestId,
    startedAt: performance.now(),
    path,
    query,
    params: {},
    remoteAddress: request.socket.remoteAddress ?? "",
    request,
    response,
    signal: controller.signal,
    abort: (reason) => {
      controller.abort(reason);
      response.destroy();
    },
  };
}

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * Splits and decodes a request target; a path with broken percent signs is left as it came. Of the absolute form, which
 * every server must take (RFC 9112, 3.2.2), the host is ignored as the Host header is.
 */
export function splitTarget(sent: string): { readonly path: string; readonly query: URLSearchParams } {
  const target = sent.startsWith("/") ? sent : sent.replace(ABSOLUTE_FORM, "") || "/";
  const mark = target.indexOf("?");
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1));
  try {
    return { path: decodeURIComponent(rawPath), query };
  } catch {
    return { path: rawPath, query };
  }
}
