import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher, Pool } from "undici";
import { GatewayError } from "../../http/errors.ts";
import type { CallTimeouts } from "../types.ts";
import type { HttpRequest, HttpStreamControl, HttpStreamHandler } from "./http.ts";
import { HttpDeadlines } from "./http-deadlines.ts";
import { abortError, connectionError, type HttpPhase } from "./http-errors.ts";
import { outgoingBody } from "./http-outgoing-body.ts";
import { readRetryAfterMs } from "./http-retry-after.ts";

const MAX_ERROR_BODY_BYTES = 64 * 1024;
/** How long a failed answer's body, or what follows a finished stream's last event, is waited for. */
const TRAILING_BODY_MS = 5000;

type ExpectedType = "text/event-stream" | "application/json";

const UNEXPECTED_TYPES: Readonly<Record<ExpectedType, RegExp>> = {
  "text/event-stream": /^\s*(application\/json|text\/html)\b/i,
  "application/json": /^\s*(text\/event-stream|text\/html)\b/i,
};

/** An answer is of the expected kind unless it says that it is another: some compatible servers name none, or text/plain. */
function isExpected(headers: IncomingHttpHeaders, expected: ExpectedType): boolean {
  const type = headers["content-type"];
  return type === undefined || type === expected || !UNEXPECTED_TYPES[expected].test(type);
}

export interface ExchangeOptions {
  readonly request: HttpRequest;
  /** Instead of the request's own. */
  readonly timeouts?: CallTimeouts;
  readonly expected: ExpectedType;
  readonly handler: HttpStreamHandler;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * One request and its answer: writes the request, feeds the handler and settles exactly once. Whatever ends it early
 * (the signal, a clock, a broken connection, a throw of the handler) destroys the socket. `HttpClient.openStream` tells
 * the errors.
 */
export function startExchange(pool: Pool, options: ExchangeOptions): void {
  const { signal } = options.request;
  if (signal.aborted) options.reject(abortError(signal));
  else new Exchange(options).start(pool);
}

interface FailedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: Buffer[];
  length: number;
}

/** A class, and its own control and receiver: closures for each of its steps would cost every request more than the steps. */
class Exchange implements Dispatcher.DispatchHandler, HttpStreamControl {
  readonly #options: ExchangeOptions;
  readonly #deadlines: HttpDeadlines;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: HttpPhase = "connecting";
  #settled = false;
  #failure: FailedAnswer | undefined;
  #trailingTimer: NodeJS.Timeout | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#onAbort = () => this.#stop(abortError(options.request.signal));
    this.#deadlines = new HttpDeadlines(options.timeouts ?? options.request.timeouts, (error) => {
      // The status of a failed answer says more than the fact that its body lingers.
      if (this.#failure === undefined) this.#stop(error);
      else this.#stopWith(this.#failure);
    });
  }

  start(pool: Pool): void {
    const { request } = this.#options;
    const { method, path, signal, timing } = request;
    timing?.sent();
    signal.addEventListener("abort", this.#onAbort);
    const { headers, body } = outgoingBody(request.headers, request.body);
    request.body = undefined;
    pool.dispatch({ method, path, headers, body, headersTimeout: 0, bodyTimeout: 0 }, this);
  }

  output(): void {
    this.#deadlines.output();
  }

  pause(): void {
    this.#controller?.pause();
    this.#deadlines.paused();
  }

  resume(): void {
    if (!this.#settled) this.#deadlines.resumed();
    this.#controller?.resume();
  }

  finish(): void {
    if (!this.#settle()) return;
    this.#trailingTimer = setTimeout(
      () => this.#controller?.abort(new Error("Nothing more is wanted.")),
      TRAILING_BODY_MS,
    );
    this.#controller?.resume();
    this.#options.resolve();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) {
      controller.abort(new Error("The request was cancelled before it was sent."));
      return;
    }
    this.#phase = "waiting";
    this.#deadlines.connected();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Parsed already, and otherwise kept until the answer has ended: a buffer for each name and value.
    controller.rawHeaders = null;
    if (status < 200 || this.#settled) return;
    this.#phase = "receiving";
    this.#options.request.timing?.received();
    const accepted = status < 300 && isExpected(headers, this.#options.expected);
    if (!accepted) {
      const failure = { status, headers, chunks: [], length: 0 };
      this.#failure = failure;
      this.#trailingTimer = setTimeout(() => this.#stopWith(failure), TRAILING_BODY_MS);
    } else if ((headers["content-encoding"] ?? "identity") !== "identity") {
      this.#stop(new GatewayError("upstream_invalid_response", "The upstream sent a compressed answer unasked."));
    } else {
      try {
        this.#options.handler.onOpen?.(headers);
      } catch (thrown) {
        this.#stop(asGatewayError(thrown));
      }
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#options.request.timing?.received();
    const failure = this.#failure;
    if (failure !== undefined) {
      failure.chunks.push(chunk);
      failure.length += chunk.length;
      if (failure.length >= MAX_ERROR_BODY_BYTES) this.#stopWith(failure);
      return;
    }
    try {
      this.#options.handler.onData(chunk, this);
    } catch (thrown) {
      this.#stop(asGatewayError(thrown));
    }
  }

  onResponseEnd(): void {
    if (this.#trailingTimer !== undefined) clearTimeout(this.#trailingTimer);
    if (this.#settled) return;
    this.#options.request.timing?.received();
    if (this.#failure !== undefined) {
      this.#stopWith(this.#failure);
      return;
    }
    try {
      this.#options.handler.onEnd();
      if (this.#settle()) this.#options.resolve();
    } catch (thrown) {
      this.#stop(asGatewayError(thrown));
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#trailingTimer);
    if (this.#settled) return;
    if (this.#failure === undefined) this.#stop(connectionError(error, this.#phase));
    else this.#stopWith(this.#failure);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#deadlines.clear();
    this.#options.request.signal.removeEventListener("abort", this.#onAbort);
    return true;
  }

  #stop(error: GatewayError): void {
    if (!this.#settle()) return;
    clearTimeout(this.#trailingTimer);
    this.#controller?.abort(error);
    this.#options.reject(error);
  }

  #stopWith({ status, headers, chunks }: FailedAnswer): void {
    const { request, expected } = this.#options;
    const body = Buffer.concat(chunks).toString("utf8", 0, MAX_ERROR_BODY_BYTES);
    if (status < 300 && !body.includes('"error"')) {
      this.#stop(
        new GatewayError("upstream_invalid_response", `The upstream's answer is not of the type ${expected}.`),
      );
      return;
    }
    const retryAfterMs = readRetryAfterMs(headers, Date.now());
    try {
      this.#stop(request.translateError({ status, headers, body, retryAfterMs }));
    } catch (thrown) {
      this.#stop(asGatewayError(thrown));
    }
  }
}

function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("server_error", "The proxy failed to read the upstream's answer.", { cause: thrown });
}
