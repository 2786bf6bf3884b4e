/** How a request's failure is told to the proxy. */
import { CliFailure } from "../../src/lib/cli/types.ts";
import { GatewayError, toGatewayError, type ErrorCode } from "../../src/lib/http/errors.ts";
import type { ErrorBody } from "./outbox.ts";

/** How a request is refused that its CLI cannot carry, or that no CLI is there for. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "unsupported_parameter",
  "unsupported_value",
  "invalid_value",
  "invalid_type",
  "missing_required_parameter",
  "cli_missing",
  "cli_not_logged_in",
]);

/** Whether the CLI was never asked: what an upstream refuses has other codes, and may have cost something. */
export function isRefusal(error: unknown): boolean {
  return error instanceof GatewayError && REFUSALS.has(error.code);
}

/** A failure as the wire says it. What is not a GatewayError becomes one that tells nothing; a timeout is a deadline. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
    const message = "The request's time ran out before the agent had read it.";
    return { code: "deadline_exceeded", message, status: 504, retryable: false };
  }
  const error = toGatewayError(thrown);
  return {
    code: error.code,
    message: error.message === "" ? error.code : error.message,
    param: error.param,
    status: error.status,
    retryable: error.failover,
    retryAfterMs: error.retryAfterMs,
    ...(error instanceof CliFailure && { stderrTail: error.stderrTail, usage: error.usage }),
  };
}
