import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpContext } from "../lib/http/context.ts";
import { GatewayError, renderErrorBody } from "../lib/http/errors.ts";
import { createNodeContext } from "../lib/http/node-context.ts";
import { sendError } from "../lib/http/respond.ts";

/** How long a client may take to read why its connection ends; sockets that are only half closed would stay for ever. */
const LAST_ANSWER_MS = 500;

interface Exchange {
  readonly context: Pick<HttpContext, "cut" | "response">;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Answers what node:http's parser refuses, and what it would drop without an answer: bytes that are no HTTP or that two
 * parsers could read in two ways (400), headers (431) and chunk extensions (413) that are too large, requests that do not
 * arrive in time (408), CONNECT (405) and unknown expectations (417). The connection ends with the answer. Nothing is
 * ever written into an answer that has begun: such a connection is cut.
 *
 * Returns the function that must be told of every request.
 */
export function answerBrokenRequests(server: Server): (exchange: Exchange) => void {
  /** The newest request of a connection; with pipelining, answers of earlier ones may be under way, and end before its own. */
  const newest = new WeakMap<object, Exchange>();
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const exchange = newest.get(socket);
    // A client that ends its side in mid-request is gone: it cannot be told anything that it would act on.
    const isGone = error.code === "ECONNRESET" || error.code === "HPE_INVALID_EOF_STATE" || !socket.writable;
    if (isGone) socket.destroy();
    else if (exchange === undefined || exchange.response.writableFinished) endWith(socket, toGatewayError(error));
    else if (exchange.request.complete || exchange.response.headersSent) socket.destroy();
    else {
      // Its body broke off: the answer takes its turn behind those of earlier requests.
      exchange.context.response.setHeader("connection", "close");
      const reason = toGatewayError(error);
      // node:http does not tell the request, and whoever reads its body, or is about to, would wait for ever.
      exchange.response.once("close", () => exchange.context.cut(reason));
      sendError(exchange.context.response, reason);
    }
  });
  server.on("connect", (_request, socket: Duplex) => {
    // No longer node:http's: without a listener a reset would end the process.
    socket.on("error", () => socket.destroy());
    const earlier = newest.get(socket);
    if (earlier !== undefined && !earlier.response.writableFinished) {
      socket.destroy();
      return;
    }
    endWith(socket, new GatewayError("method_not_allowed", "CONNECT is not allowed: this is no tunnel."));
  });
  server.on("checkExpectation", (request, response) => {
    const context = createNodeContext(request, response);
    context.response.setHeader("connection", "close");
    sendError(
      context.response,
      new GatewayError("invalid_request", "Only `Expect: 100-continue` is known.", { status: 417 }),
    );
  });
  return (exchange) => void newest.set(exchange.request.socket, exchange);
}

function toGatewayError(error: NodeJS.ErrnoException): GatewayError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new GatewayError("invalid_request", "The request headers are too large.", { status: 431 });
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new GatewayError("request_too_large", "The request's chunk extensions are too large.");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new GatewayError("request_timeout", "The request did not arrive in time.");
    default:
      return new GatewayError("invalid_request", "The request is not valid HTTP.");
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Payload Too Large",
  431: "Request Header Fields Too Large",
};

function endWith(socket: Duplex, error: GatewayError): void {
  setTimeout(() => socket.destroy(), LAST_ANSWER_MS).unref();
  const body = JSON.stringify(renderErrorBody(error));
  const head = [
    `HTTP/1.1 ${error.status} ${REASONS[error.status] ?? "Bad Request"}`,
    `x-request-id: req_${randomUUID().replaceAll("-", "")}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
