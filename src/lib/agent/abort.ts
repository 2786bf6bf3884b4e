import { GatewayError } from "../http/errors.ts";
import type { CANCEL_REASONS } from "./types.ts";

export type CancelReason = (typeof CANCEL_REASONS)[number];

const TIMEOUT_CODES: ReadonlySet<string> = new Set(["upstream_timeout", "deadline_exceeded", "request_timeout"]);

/** What a call is rejected with when its signal aborts: the signal's reason where it is ours, else `client_closed_request`. */
export function abortError(signal: AbortSignal): GatewayError {
  if (signal.reason instanceof GatewayError) return signal.reason;
  return new GatewayError("client_closed_request", "The client closed the connection.");
}

/** What the agent is told when a call's signal aborts. */
export function abortReason(signal: AbortSignal): CancelReason {
  const { code } = abortError(signal);
  if (code === "client_closed_request") return "client_closed";
  if (code === "shutting_down") return "shutdown";
  return TIMEOUT_CODES.has(code) ? "timeout" : "superseded";
}
