import { GatewayError, type ErrorCode, type GatewayErrorOptions } from "../../http/errors.ts";
import { isFields } from "../../openai/fields.ts";

/** The longest upstream message that is shown to a client, in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 1000;

/**
 * Error types that also come as an SSE `error` event under HTTP 200, with what they mean to our client
 * (platform.claude.com/docs, Errors). Faults of our own credentials are never shown as the client's 401.
 */
const CODES_BY_TYPE: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    invalid_request_error: "invalid_request",
    authentication_error: "upstream_unauthorized",
    permission_error: "upstream_unauthorized",
    billing_error: "upstream_billing",
    not_found_error: "upstream_model_not_found",
    request_too_large: "request_too_large",
    rate_limit_error: "rate_limit_exceeded",
    timeout_error: "upstream_timeout",
    overloaded_error: "upstream_overloaded",
    api_error: "upstream_error",
  }),
);

/** For answers without a typed body, such as a load balancer's HTML page. */
const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  401: "upstream_unauthorized",
  402: "upstream_billing",
  403: "upstream_unauthorized",
  404: "upstream_model_not_found",
  408: "upstream_timeout",
  413: "request_too_large",
  422: "invalid_request",
  429: "rate_limit_exceeded",
  503: "upstream_overloaded",
  504: "upstream_timeout",
  529: "upstream_overloaded",
};

/** Texts for faults between the proxy and Anthropic: the upstream's own words could name keys or accounts. */
const OWN_MESSAGES: Partial<Record<ErrorCode, string>> = {
  upstream_unauthorized: "Anthropic refused the proxy's credentials for this request.",
  upstream_billing: "The proxy's Anthropic account cannot be billed for this request.",
};

/** The upstream's `{type:"error", error:{type, message}}`, as far as it is one. */
export interface ClaudeErrorBody {
  readonly type?: string;
  readonly message?: string;
}

/** Reads an error object from parsed JSON: the body of a failed request or an SSE `error` event. */
export function readClaudeError(value: unknown): ClaudeErrorBody {
  const error = isFields(value) ? value["error"] : undefined;
  if (!isFields(error)) return {};
  return {
    ...(typeof error["type"] === "string" ? { type: error["type"] } : {}),
    ...(typeof error["message"] === "string" ? { message: error["message"] } : {}),
  };
}

/**
 * Anthropic has one type for all invalid requests, and no field that tells a prompt over the context window or an
 * empty account from the rest; these two fixed sentences of its API are the only mark there is.
 */
function refineInvalidRequest(message: string): ErrorCode {
  if (/^prompt is too long\b|exceed(s)? context limit/i.test(message)) return "context_length_exceeded";
  if (/^your credit balance is too low\b/i.test(message)) return "upstream_billing";
  return "invalid_request";
}

function withoutKeys(message: string): string {
  return message.replace(/\bsk-\S{4,}/g, "[removed]").slice(0, MAX_MESSAGE_LENGTH);
}

function createError(code: ErrorCode, message: string | undefined, options: GatewayErrorOptions): GatewayError {
  const refined = code === "invalid_request" && message !== undefined ? refineInvalidRequest(message) : code;
  const text =
    OWN_MESSAGES[refined] ??
    (message === undefined || message === "" ? "Anthropic failed to answer this request." : withoutKeys(message));
  return new GatewayError(refined, text, options);
}

/** The failure that an SSE `error` event (or one with the same body) tells: typed, else `upstream_error`. */
export function translateClaudeErrorEvent(event: unknown): GatewayError {
  const { type, message } = readClaudeError(event);
  return createError((type === undefined ? undefined : CODES_BY_TYPE.get(type)) ?? "upstream_error", message, {});
}

/**
 * The failure that a non-2xx answer of the Messages API tells.
 *
 * @param status HTTP status of the answer.
 * @param body The body's text, possibly cut short, possibly no JSON; it is never quoted when it is not an error object.
 * @param retryAfterMs What `retry-after-ms` or `retry-after` asked for, in milliseconds.
 */
export function translateClaudeError(status: number, body: string, retryAfterMs?: number): GatewayError {
  const { type, message } = readClaudeError(parseJson(body));
  const byType = type === undefined ? undefined : CODES_BY_TYPE.get(type);
  // A status that says more than the general `api_error` wins; so does one whose type is not known.
  const code = (byType === "upstream_error" ? undefined : byType) ?? CODES_BY_STATUS[status] ?? "upstream_error";
  const text = message ?? `Anthropic answered with HTTP status ${status}.`;
  return createError(code, text, { retryAfterMs });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
