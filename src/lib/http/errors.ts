/**
 * The one error type, the one code table and the one renderer. Every failure that a client, an agent or an
 * operator can see is a {@link GatewayError} whose code stands in {@link ERROR_CODES}.
 *
 * Body shape: the OpenAI `ErrorResponse` schema (openai/openai-openapi): all four keys, real JSON nulls.
 */

import type { Usage } from "../openai/usage.ts";

interface ErrorCodeEntry {
  /** HTTP status when the failure happens before the first byte. */
  readonly status: number;
  /** OpenAI `error.type`. */
  readonly type: string;
  /** Whether the gateway may try the next target when nothing was delivered yet. */
  readonly failover: boolean;
  /** What `x-should-retry` says unless the failure itself knows better; `undefined` lets the SDK decide by status. */
  readonly shouldRetry?: boolean;
}

const entry = (status: number, type: string, failover = false): ErrorCodeEntry => ({ status, type, failover });
/** Asking again soon cannot help, or would spend tokens that are used up already. */
const lasting = (status: number, type: string, failover = false): ErrorCodeEntry => ({
  ...entry(status, type, failover),
  shouldRetry: false,
});

export const ERROR_CODES = {
  // The request is wrong; another target would say the same.
  invalid_json: entry(400, "invalid_request_error"),
  invalid_type: entry(400, "invalid_request_error"),
  invalid_value: entry(400, "invalid_request_error"),
  missing_required_parameter: entry(400, "invalid_request_error"),
  unsupported_parameter: entry(400, "invalid_request_error"),
  unsupported_value: entry(400, "invalid_request_error"),
  invalid_request: entry(400, "invalid_request_error"),
  context_length_exceeded: entry(400, "invalid_request_error"),
  content_policy_violation: entry(400, "invalid_request_error"),
  invalid_api_key: entry(401, "invalid_request_error"),
  permission_denied: entry(403, "invalid_request_error"),
  csrf_rejected: entry(403, "invalid_request_error"),
  not_found: entry(404, "invalid_request_error"),
  model_not_found: entry(404, "invalid_request_error"),
  method_not_allowed: entry(405, "invalid_request_error"),
  request_timeout: entry(408, "invalid_request_error"),
  conflict: entry(409, "invalid_request_error"),
  agent_identity_in_use: entry(409, "invalid_request_error"),
  agent_login_ended: entry(410, "invalid_request_error"),
  request_too_large: entry(413, "invalid_request_error"),
  unsupported_media_type: entry(415, "invalid_request_error"),
  agent_protocol_unsupported: entry(426, "invalid_request_error"),

  // The client went away; nobody reads the answer, the row does.
  client_closed_request: entry(499, "invalid_request_error"),
  // It did not read its answer and was cut off.
  client_too_slow: entry(499, "invalid_request_error"),

  // Limits.
  rate_limit_exceeded: entry(429, "rate_limit_error", true),
  insufficient_quota: lasting(429, "insufficient_quota", true),
  usage_limit_reached: lasting(429, "rate_limit_error", true),
  agents_busy: entry(429, "rate_limit_error", true),

  // The proxy itself.
  server_error: entry(500, "server_error"),
  database_unavailable: entry(503, "server_error"),
  shutting_down: entry(503, "server_error"),
  too_many_bodies: entry(503, "server_error"),
  proxy_overloaded: entry(503, "server_error"),
  loop_detected: lasting(508, "server_error"),
  no_provider_available: entry(503, "server_error"),
  circuit_open: entry(503, "server_error"),

  // The upstream API.
  upstream_error: entry(502, "server_error", true),
  upstream_invalid_response: entry(502, "server_error", true),
  upstream_connection_failed: entry(502, "server_error", true),
  upstream_incomplete: lasting(502, "server_error", true),
  upstream_unauthorized: lasting(502, "server_error", true),
  upstream_model_not_found: lasting(502, "server_error", true),
  upstream_billing: lasting(502, "server_error", true),
  upstream_overloaded: entry(503, "server_error", true),
  upstream_timeout: entry(504, "server_error", true),
  deadline_exceeded: lasting(504, "server_error"),

  // The CLI and the agent that runs it.
  agent_lost: entry(502, "server_error", true),
  agent_protocol_error: entry(502, "server_error", true),
  agent_rejected: lasting(503, "server_error", true),
  cancelled: entry(499, "invalid_request_error"),
  cli_missing: lasting(503, "server_error", true),
  cli_not_logged_in: lasting(503, "server_error", true),
  cli_crashed: entry(502, "server_error", true),
  cli_no_result: entry(502, "server_error", true),
  cli_repeated_output: lasting(502, "server_error"),
  cli_unexpected_tool: lasting(502, "server_error", true),
  cli_output_invalid: lasting(502, "server_error", true),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Narrows an unknown string, for example one that came over the agent's wire, to a code of the table. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERROR_CODES, value);
}

export interface GatewayErrorOptions {
  /** Overrides the table's status, for a status that an upstream gave and the client should see. */
  readonly status?: number;
  /** The request field at fault, as a path such as `messages[0].role`. */
  readonly param?: string | null;
  /** How long the client should wait, in milliseconds; becomes `Retry-After` and `retry-after-ms`. */
  readonly retryAfterMs?: number | undefined;
  /** Sent as `x-should-retry`; leave unset to let the SDK decide by status. */
  readonly shouldRetry?: boolean | undefined;
  /** Headers of the upstream's answer that go on to the client, such as `x-ratelimit-*`: names and values already checked. */
  readonly upstreamHeaders?: Readonly<Record<string, string>> | undefined;
  /** Overrides the table: may the gateway try another target before the first output? */
  readonly failover?: boolean;
  /** Methods to name in `Allow` for 405. */
  readonly allow?: readonly string[];
  /** What was used before the failure, where it is known; for the row, not for the client. */
  readonly usage?: Usage | undefined;
  readonly cause?: unknown;
}

/** The only thing that is thrown across module borders. Its message is shown to clients: no secrets, no paths. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly retryAfterMs: number | undefined;
  readonly shouldRetry: boolean | undefined;
  readonly upstreamHeaders: Readonly<Record<string, string>> | undefined;
  readonly failover: boolean;
  readonly allow: readonly string[] | undefined;
  readonly usage: Usage | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GatewayError";
    this.code = code;
    this.status = options.status ?? ERROR_CODES[code].status;
    this.type = ERROR_CODES[code].type;
    this.param = options.param ?? null;
    this.retryAfterMs = options.retryAfterMs;
    this.shouldRetry = options.shouldRetry ?? ERROR_CODES[code].shouldRetry;
    this.upstreamHeaders = options.upstreamHeaders;
    this.failover = options.failover ?? ERROR_CODES[code].failover;
    this.allow = options.allow;
    this.usage = options.usage;
  }
}

/** The same failure with some of its facts changed: a new error, since the stack of one holds the message it was made with. */
export function changeError(
  error: GatewayError,
  { message = error.message, ...changes }: GatewayErrorOptions & { readonly message?: string },
): GatewayError {
  const { status, param, retryAfterMs, shouldRetry, upstreamHeaders, failover, allow, usage, cause } = error;
  return new GatewayError(error.code, message, {
    status,
    param,
    retryAfterMs,
    shouldRetry,
    upstreamHeaders,
    failover,
    usage,
    cause,
    ...(allow !== undefined && { allow }),
    ...changes,
  });
}

/** The same failure with the tokens that were used before it, for the row; unchanged where they are not known. */
export function withUsage(error: GatewayError, usage: Usage | undefined): GatewayError {
  if (usage === undefined || error.usage !== undefined) return error;
  return changeError(error, { usage });
}

/** Turns anything thrown into a GatewayError; what is not one is `server_error` with a message that tells nothing. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("server_error", "The proxy failed to handle this request.", { cause: thrown });
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** The OpenAI error object for a failure; also the payload of the error frame after the first byte. */
export function renderErrorBody(error: GatewayError): ErrorBody {
  return { error: { message: error.message, type: error.type, param: error.param, code: error.code } };
}

/**
 * The headers that belong to a failure: `retry-after` (whole seconds, rounded up), `retry-after-ms`, `x-should-retry`,
 * `allow`, and the upstream's own that go on.
 */
export function renderErrorHeaders(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = { ...error.upstreamHeaders };
  if (error.retryAfterMs !== undefined) {
    const retryAfterMs = Math.max(0, Math.ceil(error.retryAfterMs));
    headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
    headers["retry-after-ms"] = String(retryAfterMs);
  }
  if (error.shouldRetry !== undefined) headers["x-should-retry"] = String(error.shouldRetry);
  if (error.allow !== undefined) headers["allow"] = error.allow.join(", ");
  return headers;
}
