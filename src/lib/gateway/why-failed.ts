import { changeError, GatewayError } from "../http/errors.ts";

/** What the row and the client are told: why the request was aborted, with what it had used, where it was; else what went wrong. */
export function whyFailed(signal: AbortSignal, error: GatewayError): GatewayError {
  if (!signal.aborted || error === signal.reason || !(signal.reason instanceof GatewayError)) return error;
  return changeError(signal.reason, { usage: error.usage });
}
