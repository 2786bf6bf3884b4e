import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Pool, type Dispatcher } from "undici";
import type { HttpResponse } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { setUpstreamHeader } from "../http/rate-limit-owner.ts";
import type { RequestOrigin } from "../http/node-context.ts";
import { headersToHome, isForClient } from "./relay-headers.ts";

export interface PassedRequest {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly origin: RequestOrigin;
  readonly body: Buffer | Readable | null;
  readonly response: HttpResponse;
  /** Called before the head of the answer is written. */
  readonly onAnswer?: () => void;
}

/** The way from a worker to the home, over its private socket. */
export interface HomeRelay {
  /**
   * Sends a request on, and its answer back, bytes through: a slow reader slows the other side, and the end of one is the
   * end of the other. Resolves when the answer has ended or broken; throws GatewayError where there was none.
   */
  passOn(request: PassedRequest): Promise<void>;
  /** Cuts what is open. */
  close(): Promise<void>;
}

export function createHomeRelay(socketPath: string): HomeRelay {
  // There are as many connections as open streams, which the listener bounds; the home has deadlines of its own.
  const pool = new Pool("http://home", { socketPath, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 });
  return {
    passOn: (request) => runPassOn(pool, request),
    close: () => pool.destroy(),
  };
}

function runPassOn(pool: Pool, passed: PassedRequest): Promise<void> {
  const { response } = passed;
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let isOver = false;

    const settle = (): boolean => {
      if (isOver) return false;
      isOver = true;
      response.off("close", onClientGone);
      response.off("drain", onDrain);
      return true;
    };
    const onClientGone = (): void => {
      if (!settle()) return;
      controller?.abort(new Error("the client closed the request"));
      resolve();
    };
    const onDrain = (): void => controller?.resume();
    response.on("close", onClientGone);
    response.on("drain", onDrain);

    const receiver: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (isOver) started.abort(new Error("the client closed the request"));
      },
      onResponseStart(_controller, status, headers) {
        if (isOver || status < 200) return;
        passed.onAnswer?.();
        response.statusCode = status;
        for (const [name, value] of Object.entries(headers)) {
          if (value !== undefined && isForClient(name)) setUpstreamHeader(response, name, value);
        }
        // What has a length comes with its head in one write; a stream's first event may be long in coming.
        if (headers["content-length"] === undefined) response.flushHeaders();
      },
      onResponseData(_controller, chunk) {
        if (!isOver && !response.write(chunk)) controller?.pause();
      },
      onResponseEnd() {
        if (!settle()) return;
        response.end();
        resolve();
      },
      onResponseError(_controller, error) {
        if (!settle()) return;
        if (!response.headersSent) return reject(refusal(error));
        response.destroy();
        resolve();
      },
    };
    pool.dispatch(
      {
        method: passed.method,
        path: passed.target,
        headers: headersToHome(passed.headers, passed.origin),
        body: passed.body,
      },
      receiver,
    );
  });
}

function refusal(error: Error): GatewayError {
  if ("code" in error && error.code === "UND_ERR_INVALID_ARG") {
    return new GatewayError("invalid_request", "The request cannot be passed on.", { cause: error });
  }
  const options = { status: 503, retryAfterMs: 1000, cause: error };
  return new GatewayError("server_error", "The proxy's home process does not answer.", options);
}
