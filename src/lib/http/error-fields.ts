import { GatewayError, type ErrorCode, type GatewayErrorOptions } from "./errors.ts";

/** A GatewayError as plain data that can be cloned: what crosses to another thread. */
export interface ErrorFields {
  readonly code: ErrorCode;
  readonly message: string;
  readonly options: GatewayErrorOptions;
}

/** What {@link fromErrorFields} makes the same error of; of its cause, where that is an Error, message and stack. */
export function toErrorFields(error: GatewayError): ErrorFields {
  const { code, message, status, param, retryAfterMs, shouldRetry, upstreamHeaders, failover, allow, usage } = error;
  const cause = plainError(error.cause);
  const options = { status, param, retryAfterMs, shouldRetry, upstreamHeaders, failover, usage, cause };
  return { code, message, options: { ...options, ...(allow !== undefined && { allow }) } };
}

export function fromErrorFields({ code, message, options }: ErrorFields): GatewayError {
  return new GatewayError(code, message, options);
}

/** A cause may hold anything beside its message, also what cannot be cloned. */
function plainError(cause: unknown): Error | undefined {
  if (!(cause instanceof Error)) return undefined;
  const plain = new Error(cause.message);
  if (cause.stack !== undefined) plain.stack = cause.stack;
  return plain;
}
