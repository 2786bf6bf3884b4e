import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher, Pool } from "undici";
import { GatewayError } from "../../http/errors.ts";
import type { HttpRequest, HttpStreamControl, HttpStreamHandler } from "./http.ts";
import { startDeadlines } from "./http-deadlines.ts";
import { abortError, connectionError, type HttpPhase } from "./http-errors.ts";
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
  return !UNEXPECTED_TYPES[expected].test(headers["content-type"] ?? "");
}

/**
 * One request and its answer: writes the request, feeds the handler and settles exactly once. Whatever ends it early
 * (the signal, a clock, a broken connection, a throw of the handler) destroys the socket. `HttpClient.openStream` tells
 * the errors.
 */
export function runExchange(
  pool: Pool,
  request: HttpRequest,
  expected: ExpectedType,
  handler: HttpStreamHandler,
): Promise<void> {
  const { signal, timing } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    let controller: Dispatcher.DispatchController | undefined;
    let phase: HttpPhase = "connecting";
    let settled = false;
    let failure: { status: number; headers: IncomingHttpHeaders; chunks: Buffer[]; length: number } | undefined;
    let trailingTimer: NodeJS.Timeout | undefined;

    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      deadlines.clear();
      signal.removeEventListener("abort", onAbort);
      return true;
    };
    const stop = (error: GatewayError): void => {
      if (!settle()) return;
      clearTimeout(trailingTimer);
      controller?.abort(error);
      reject(error);
    };
    const stopWithFailure = (): void => {
      if (failure === undefined) return;
      const { status, headers, chunks } = failure;
      const body = Buffer.concat(chunks).toString("utf8", 0, MAX_ERROR_BODY_BYTES);
      if (status < 300 && !body.includes('"error"')) {
        stop(new GatewayError("upstream_invalid_response", `The upstream's answer is not of the type ${expected}.`));
        return;
      }
      const retryAfterMs = readRetryAfterMs(headers, Date.now());
      stop(guard(() => request.translateError({ status, headers, body, retryAfterMs })));
    };
    const onAbort = (): void => stop(abortError(signal));
    const control: HttpStreamControl = {
      output: () => deadlines.output(),
      pause: () => {
        controller?.pause();
        deadlines.paused();
      },
      resume: () => {
        if (!settled) deadlines.resumed();
        controller?.resume();
      },
      finish: () => {
        if (!settle()) return;
        trailingTimer = setTimeout(() => controller?.abort(new Error("Nothing more is wanted.")), TRAILING_BODY_MS);
        controller?.resume();
        resolve();
      },
    };
    const deadlines = startDeadlines(request.timeouts, (error) => {
      // The status of a failed answer says more than the fact that its body lingers.
      if (failure === undefined) stop(error);
      else stopWithFailure();
    });
    signal.addEventListener("abort", onAbort, { once: true });

    const attempt = (step: () => void): void => {
      try {
        step();
      } catch (thrown) {
        stop(asGatewayError(thrown));
      }
    };

    const receiver: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (settled) {
          started.abort(new Error("The request was cancelled before it was sent."));
          return;
        }
        phase = "waiting";
        deadlines.connected();
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200 || settled) return;
        phase = "receiving";
        timing?.received();
        const accepted = status < 300 && isExpected(headers, expected);
        if (!accepted) {
          failure = { status, headers, chunks: [], length: 0 };
          trailingTimer = setTimeout(stopWithFailure, TRAILING_BODY_MS);
        } else if ((headers["content-encoding"] ?? "identity") !== "identity") {
          stop(new GatewayError("upstream_invalid_response", "The upstream sent a compressed answer unasked."));
        } else {
          attempt(() => handler.onOpen?.(headers));
        }
      },
      onResponseData(_controller, chunk) {
        if (settled) return;
        timing?.received();
        if (failure === undefined) {
          attempt(() => handler.onData(chunk, control));
          return;
        }
        failure.chunks.push(chunk);
        failure.length += chunk.length;
        if (failure.length >= MAX_ERROR_BODY_BYTES) stopWithFailure();
      },
      onResponseEnd() {
        clearTimeout(trailingTimer);
        if (settled) return;
        timing?.received();
        if (failure !== undefined) {
          stopWithFailure();
          return;
        }
        attempt(() => {
          handler.onEnd();
          if (settle()) resolve();
        });
      },
      onResponseError(_controller, error) {
        clearTimeout(trailingTimer);
        if (settled) return;
        if (failure === undefined) stop(connectionError(error, phase));
        else stopWithFailure();
      },
    };
    timing?.sent();
    pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: { ...request.headers },
        body: request.body ?? null,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      receiver,
    );
  });
}

function guard(translate: () => GatewayError): GatewayError {
  try {
    return translate();
  } catch (thrown) {
    return asGatewayError(thrown);
  }
}

function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("server_error", "The proxy failed to read the upstream's answer.", { cause: thrown });
}
