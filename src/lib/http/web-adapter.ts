/** Runs a `node:http`-shaped handler for hosts that speak web `Request` and `Response`, such as a Next route. */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { RequestTiming } from "../telemetry/request-timing.ts";
import type { HttpHandler, HttpRequest } from "./context.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import { createRequestId } from "./node-context.ts";
import { RequestLife } from "./request-life.ts";
import { sendError } from "./respond.ts";
import { WebServerResponse } from "./web-server-response.ts";

/**
 * Answers a web request with a handler. Resolves as soon as the headers are committed; the body then streams with
 * backpressure. `request.signal` and a cancelled body close the response and abort `context.signal`.
 * A handler that throws is answered with an OpenAI error object, or an error frame once bytes have left.
 * Rejects only when the handler destroys the response before its headers, which has no other form on the web side.
 */
export function toWebResponse(request: Request, handle: HttpHandler): Promise<Response> {
  return new Promise((resolve, reject) => {
    const response = new WebServerResponse(request.method, resolve, () => {
      reject(new GatewayError("client_closed_request", "The connection closed before the answer began."));
    });
    const life = new RequestLife();
    response.once("close", () => {
      request.signal.removeEventListener("abort", close);
      if (!response.writableFinished) life.clientClosed();
    });
    const nodeRequest = toNodeRequest(request);
    const close = (): void => {
      response.destroy();
      nodeRequest.destroy();
    };
    request.signal.addEventListener("abort", close, { once: true });
    if (request.signal.aborted) {
      close();
      return;
    }
    response.timing = new RequestTiming(performance.now());
    void run(request, handle, nodeRequest, response, response.timing, life);
  });
}

async function run(
  request: Request,
  handle: HttpHandler,
  nodeRequest: HttpRequest,
  response: WebServerResponse,
  timing: RequestTiming,
  life: RequestLife,
): Promise<void> {
  const requestId = createRequestId();
  try {
    response.setHeader("x-request-id", requestId);
    const url = new URL(request.url);
    await handle({
      requestId,
      startedAt: timing.startedAt,
      timing,
      path: decodePath(url.pathname),
      query: url.searchParams,
      params: {},
      remoteAddress: "",
      request: nodeRequest,
      response,
      get signal() {
        return life.signal;
      },
      get clientGone() {
        return life.clientGone;
      },
      abort: (reason) => life.abort(reason),
      cut: (reason) => {
        life.abort(reason);
        response.destroy();
      },
    });
  } catch (thrown) {
    if (!life.clientGone) sendError(response, toGatewayError(thrown));
  }
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch (cause) {
    throw new GatewayError("invalid_request", "The path is not valid percent-encoded UTF-8.", { cause });
  }
}

function toNodeRequest(request: Request): HttpRequest {
  const body =
    request.body === null ? Readable.from([]) : Readable.fromWeb(request.body as NodeReadableStream<Uint8Array>);
  // A client that goes away in mid-upload fails this stream; without a listener that would end the process.
  body.on("error", () => undefined);
  return asHttpRequest(Object.assign(body, { method: request.method, headers: Object.fromEntries(request.headers) }));
}

// Node's types let these methods return their own class for chaining, which no handler does; the rest is checked.
type ChainedRequestMethod = "on" | "once" | "off" | "pause" | "resume" | "destroy";

function asHttpRequest(request: Omit<HttpRequest, ChainedRequestMethod> & Readable): HttpRequest {
  return request as Omit<HttpRequest, ChainedRequestMethod> as HttpRequest;
}
