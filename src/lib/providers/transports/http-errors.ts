import type { IncomingHttpHeaders } from "node:http";
import { changeError, GatewayError } from "../../http/errors.ts";

/** How far a request had come when its connection failed. */
export type HttpPhase = "connecting" | "waiting" | "receiving";

/** The failure for a connection that broke, by what was under way. The upstream's address stays out of the message. */
export function connectionError(error: Error, phase: HttpPhase): GatewayError {
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === "UND_ERR_CONNECT_TIMEOUT")
    return timeoutError("connecting to the upstream", { unsent: true, cause: error });
  const reason = code === undefined ? "" : ` (${code})`;
  if (phase === "receiving") {
    return new GatewayError("upstream_incomplete", `The upstream's answer broke off${reason}.`, { cause: error });
  }
  const message =
    phase === "connecting"
      ? `The upstream could not be reached${reason}.`
      : `The upstream closed the connection before it answered${reason}.`;
  return new GatewayError("upstream_connection_failed", message, { cause: error });
}

/**
 * The failure for a clock that ran out. Asking again would spend that time anew, and tokens too once the upstream has
 * the request.
 *
 * @param unsent The upstream had not got the request yet.
 */
export function timeoutError(
  during: string,
  { unsent = false, cause }: { readonly unsent?: boolean; readonly cause?: unknown } = {},
): GatewayError {
  return new GatewayError("upstream_timeout", `Timed out ${during}.`, {
    cause,
    ...(!unsent && { shouldRetry: false }),
  });
}

/** The failure for an abort: the GatewayError that the signal carries, else `client_closed_request`. */
export function abortError(signal: AbortSignal): GatewayError {
  const reason: unknown = signal.reason;
  if (reason instanceof GatewayError) return reason;
  return new GatewayError("client_closed_request", "The request was cancelled.", { cause: reason });
}

/**
 * The same failure with what the headers of the upstream's answer say beside it: whether it should be retried, unless we
 * know better, and those that go on to the client.
 */
export function withAnswerHeaders(
  error: GatewayError,
  headers: IncomingHttpHeaders,
  upstreamHeaders: Readonly<Record<string, string>> | undefined,
): GatewayError {
  const said = headers["x-should-retry"];
  const shouldRetry = error.shouldRetry ?? (said === "true" ? true : said === "false" ? false : undefined);
  if (shouldRetry === error.shouldRetry && upstreamHeaders === undefined) return error;
  return changeError(error, { shouldRetry, upstreamHeaders });
}
