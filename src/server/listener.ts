import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { GatewayError, renderErrorBody } from "../lib/http/errors.ts";
import { createNodeContext, type RequestOrigin } from "../lib/http/node-context.ts";
import type { HttpContext } from "../lib/http/context.ts";

export interface ListenerOptions {
  /** Serves a path of the data plane; renders its own errors and never rejects. */
  readonly handle: (context: HttpContext) => Promise<void>;
  readonly isDataPlane: (request: IncomingMessage, path: string) => boolean;
  /** Serves everything else. */
  readonly fallback: (request: IncomingMessage, response: ServerResponse, context: HttpContext) => Promise<void>;
  /** Where a request came from, for a listener that only other processes of this proxy reach. */
  readonly originOf?: (request: IncomingMessage) => RequestOrigin | undefined;
}

const HEADERS_TIMEOUT_MS = 30_000;
/** Time to receive a whole request, body included; answers may take as long as they like. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than the 60 s that common proxies keep an idle connection, so that they never write into a closing one. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_CONNECTIONS = 10_000;
/** How long a client may take to read why its connection ends; sockets that are only half closed would stay for ever. */
const LAST_ANSWER_MS = 500;

/** A node:http server that gives data-plane requests to `handle` and the others to `fallback`. Not listening yet. */
export function createListener(options: ListenerOptions): Server {
  /** Connections with an answer under way. */
  const answering = new WeakSet<object>();
  const serveElse = (request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void> => {
    response.setHeader("x-request-id", context.requestId);
    return options.fallback(request, response, context);
  };
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    },
    (request, response) => {
      answering.add(request.socket);
      response.once("close", () => answering.delete(request.socket));
      const context = createNodeContext(request, response, options.originOf?.(request));
      const served = options.isDataPlane(request, context.path)
        ? options.handle(context)
        : serveElse(request, response, context);
      served.catch(() => response.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // Nothing may be written into an answer that has begun; a body that never came in full has none yet.
    const isAnswered = answering.has(socket) && error.code !== "ERR_HTTP_REQUEST_TIMEOUT";
    if (isAnswered || error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else answerBrokenRequest(error, socket);
  });
  return server;
}

function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  setTimeout(() => socket.destroy(), LAST_ANSWER_MS).unref();
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = tooLarge
    ? "431 Request Header Fields Too Large"
    : timedOut
      ? "408 Request Timeout"
      : "400 Bad Request";
  const message = tooLarge
    ? "The request headers are too large."
    : timedOut
      ? "The request did not arrive in time."
      : "The request is not valid HTTP.";
  const body = JSON.stringify(
    renderErrorBody(new GatewayError(timedOut ? "request_timeout" : "invalid_request", message)),
  );
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
