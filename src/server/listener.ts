import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createNodeContext, type RequestOrigin } from "../lib/http/node-context.ts";
import type { HttpContext } from "../lib/http/context.ts";
import { sendError } from "../lib/http/respond.ts";
import { SlowReaders } from "../lib/http/slow-readers.ts";
import { answerBrokenRequests } from "./broken-requests.ts";
import { refusalOf } from "./check-request.ts";
import { createPipelineGuard } from "./pipelining.ts";

export interface ListenerOptions {
  /** Serves a path of the data plane; renders its own errors and never rejects. */
  readonly handle: (context: HttpContext) => Promise<void>;
  readonly isDataPlane: (request: IncomingMessage, path: string) => boolean;
  /** Serves everything else. */
  readonly fallback: (request: IncomingMessage, response: ServerResponse, context: HttpContext) => Promise<void>;
  /** Where a request came from, for a listener that only other processes of this proxy reach. */
  readonly originOf?: (request: IncomingMessage) => RequestOrigin | undefined;
  /** See {@link SlowReaders}; default 60 s. */
  readonly slowReaderTimeoutMs?: number;
  /** Time to receive a request's headers; default 30 s. */
  readonly headersTimeoutMs?: number;
  /** Time to receive a whole request; default 5 min. Answers may take as long as they like. */
  readonly requestTimeoutMs?: number;
}

const HEADERS_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than the 60 s that common proxies keep an idle connection, so that they never write into a closing one. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_CONNECTIONS = 10_000;

/** A node:http server that gives data-plane requests to `handle` and the others to `fallback`. Not listening yet. */
export function createListener(options: ListenerOptions): Server {
  const slowReaders = new SlowReaders(options.slowReaderTimeoutMs ?? 60_000);
  const headersTimeout = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const lookAfterPipelined = createPipelineGuard();
  const serveElse = (request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void> => {
    response.setHeader("x-request-id", context.requestId);
    return options.fallback(request, response, context);
  };
  const server = createServer(
    {
      headersTimeout,
      requestTimeout: Math.max(headersTimeout, options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS),
      connectionsCheckingInterval: Math.ceil(headersTimeout / 10),
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
      // Missing ones are answered with an error object like everything else; two of a kind become one value with a comma,
      // so that nobody has to ask which of two keys or hosts counts.
      requireHostHeader: false,
      joinDuplicateHeaders: true,
    },
    (request, response) => {
      const context = createNodeContext(request, response, options.originOf?.(request));
      const seat = slowReaders.watch(context);
      response.on("close", () => slowReaders.unwatch(seat));
      arrived({ context, request, response });
      // A response without its socket waits for the answer to an earlier request.
      const refusal =
        refusalOf(request) ?? (response.socket === null ? lookAfterPipelined(context, request, response) : undefined);
      if (refusal !== undefined) {
        context.response.setHeader("connection", "close");
        sendError(context.response, refusal);
        return;
      }
      const served = options.isDataPlane(request, context.path)
        ? options.handle(context)
        : serveElse(request, response, context);
      served.catch(() => response.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const arrived = answerBrokenRequests(server);
  server.once("close", () => slowReaders.close());
  return server;
}
