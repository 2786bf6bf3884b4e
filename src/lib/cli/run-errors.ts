/** What the runs of every CLI fail with alike. */
import { GatewayError } from "../http/errors.ts";
import { CliFailure } from "./types.ts";

/** Why a run was aborted: the signal's own reason where it is one of ours, else `cancelled`. */
export function abortError(signal: AbortSignal): GatewayError {
  return signal.reason instanceof GatewayError
    ? signal.reason
    : new GatewayError("cancelled", "The request was cancelled.");
}

/** `cli_missing` for a program that the system could not start, by the system's error code such as ENOENT. */
export function cliMissing(systemCode: string, cause?: unknown): GatewayError {
  const message =
    systemCode === "ENOENT" ? "The CLI is not installed or not found." : `The CLI cannot be started (${systemCode}).`;
  return new GatewayError("cli_missing", message, { cause });
}

/** The same for what a start rejected with; a GatewayError stays as it is. */
export function mapSpawnError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return cliMissing(error instanceof Error && "code" in error ? String(error.code) : "unknown error", error);
}

/** `cli_output_invalid`: what the CLI said has no form that is known. `what` names it, as the end of a sentence. */
export function invalidOutput(what: string): GatewayError {
  return new GatewayError("cli_output_invalid", `The CLI's output cannot be understood: ${what}.`);
}

/** A failed run with what only the owner and the log may see. What is no GatewayError becomes one that tells nothing. */
export function toCliFailure(thrown: unknown, stderrTail: string | undefined): CliFailure {
  if (thrown instanceof CliFailure) return thrown;
  const error =
    thrown instanceof GatewayError
      ? thrown
      : new GatewayError("server_error", "The CLI's output could not be handled.", { cause: thrown });
  const { status, param, retryAfterMs, failover, usage } = error;
  return new CliFailure(error.code, error.message, {
    status,
    param,
    retryAfterMs,
    failover,
    usage,
    cause: error,
    stderrTail,
  });
}
