import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpContext } from "./context.ts";
import { GatewayError } from "./errors.ts";

/** What is known of a request that came through another process of this proxy. */
export interface RequestOrigin {
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly isAdmitted: boolean;
}

/**
 * Makes the context of a node:http exchange: a fresh request id (sent as `x-request-id`), the decoded path, and a signal
 * that aborts with `client_closed_request` when the client closes before the answer has ended.
 */
export function createNodeContext(
  request: IncomingMessage,
  response: ServerResponse,
  origin?: RequestOrigin,
): HttpContext {
  const requestId = origin?.requestId ?? `req_${randomUUID().replaceAll("-", "")}`;
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
    remoteAddress: origin?.remoteAddress ?? request.socket.remoteAddress ?? "",
    ...(origin !== undefined && { relayed: { isAdmitted: origin.isAdmitted } }),
    request,
    response,
    signal: controller.signal,
  };
}

/** Splits and decodes a request target; a path with broken percent signs is left as it came. */
export function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf("?");
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1));
  try {
    return { path: decodeURIComponent(rawPath), query };
  } catch {
    return { path: rawPath, query };
  }
}
