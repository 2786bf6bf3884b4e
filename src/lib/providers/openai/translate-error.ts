import { isFields } from "../../openai/fields.ts";
import { ERROR_CODES, GatewayError, isErrorCode, type ErrorCode } from "../../http/errors.ts";

/** The longest upstream message that is shown to a client, in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 1000;
const MAX_PARAM_LENGTH = 200;

/** Statuses that concern the client's own request, with the code for an answer whose own code we do not know. */
const CLIENT_CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  404: "not_found",
  409: "conflict",
  413: "request_too_large",
  422: "invalid_request",
};

const UPSTREAM_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "upstream_unauthorized",
  402: "upstream_billing",
  403: "upstream_unauthorized",
  408: "upstream_timeout",
  429: "rate_limit_exceeded",
  503: "upstream_overloaded",
  504: "upstream_timeout",
  529: "upstream_overloaded",
};

/** Statuses for error objects that come without one, inside a 2xx answer, by their `code` or `type`. */
const STATUS_BY_KIND: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    invalid_request_error: 400,
    context_length_exceeded: 400,
    content_policy_violation: 400,
    model_not_found: 404,
    authentication_error: 401,
    invalid_api_key: 401,
    permission_error: 403,
    insufficient_quota: 429,
    rate_limit_error: 429,
    rate_limit_exceeded: 429,
    overloaded_error: 503,
  }),
);

/** Faults between the proxy and its upstream are told in our own words: the upstream's could name keys or accounts. */
const OWN_MESSAGES: Partial<Record<ErrorCode, string>> = {
  upstream_unauthorized: "The upstream refused the proxy's credentials for this request.",
  upstream_billing: "The proxy's upstream account cannot be billed for this request.",
};

interface UpstreamError {
  readonly message?: string;
  readonly type?: string;
  readonly param?: string;
  readonly code?: string;
  /** Some compatible servers give the HTTP status as `code`. */
  readonly statusCode?: number;
}

/**
 * The failure that a non-2xx answer of an OpenAI-type upstream tells (OpenAI `ErrorResponse`; also the plainer shapes
 * of compatible servers). The upstream's message, param and code are kept where the client's request is at fault;
 * otherwise another target may serve, and a 401 or 403 is the proxy's affair, never the client's.
 *
 * @param status HTTP status; a 2xx means an error object where an answer was expected.
 * @param body The body's text, possibly cut short; what is no error object is never quoted.
 * @param retryAfterMs What the answer's headers asked for, in milliseconds.
 */
export function translateOpenAIError(status: number, body: string, retryAfterMs?: number): GatewayError {
  const error = readErrorBody(parseJson(body));
  return createError(status < 300 ? error && impliedStatus(error) : status, error, retryAfterMs);
}

/** The failure that an `{"error": …}` payload inside a stream or a 2xx answer tells. */
export function translateOpenAIErrorPayload(payload: unknown): GatewayError {
  const error = readErrorBody(payload) ?? {};
  return createError(impliedStatus(error), error);
}

function impliedStatus(error: UpstreamError): number {
  if (error.statusCode !== undefined) return error.statusCode;
  return STATUS_BY_KIND.get(error.code ?? "") ?? STATUS_BY_KIND.get(error.type ?? "") ?? 500;
}

function createError(
  status: number | undefined,
  error: UpstreamError | undefined,
  retryAfterMs?: number,
): GatewayError {
  if (status === undefined) {
    return new GatewayError(
      "upstream_invalid_response",
      "The upstream's answer is of another kind than was asked for.",
    );
  }
  const message = safeMessage(error?.message) ?? `The upstream answered with HTTP status ${status}.`;
  if (status === 429) return createLimitError(message, error, retryAfterMs);
  const clientCode = CLIENT_CODES[status];
  // A 404 without an error object is a wrong base URL, which the client cannot help.
  if (clientCode !== undefined && !(status === 404 && error === undefined)) {
    return createClientError(status, clientCode, message, error);
  }
  const code = UPSTREAM_CODES[status] ?? "upstream_error";
  return new GatewayError(code, OWN_MESSAGES[code] ?? message, { retryAfterMs });
}

function createLimitError(message: string, error: UpstreamError | undefined, retryAfterMs?: number): GatewayError {
  if (error?.code === "insufficient_quota" || error?.type === "insufficient_quota") {
    return new GatewayError("insufficient_quota", message, { retryAfterMs, shouldRetry: false });
  }
  return new GatewayError("rate_limit_exceeded", message, { retryAfterMs });
}

function createClientError(
  status: number,
  fallback: ErrorCode,
  message: string,
  error: UpstreamError = {},
): GatewayError {
  const known = error.code !== undefined && isErrorCode(error.code) ? error.code : undefined;
  const code = known !== undefined && isClientCode(known) ? known : fallback;
  return new GatewayError(code, message, {
    status,
    param: error.param?.slice(0, MAX_PARAM_LENGTH) ?? null,
    // Another target may well have a model that this one lacks.
    ...(code === "model_not_found" ? { failover: true } : {}),
  });
}

function isClientCode(code: ErrorCode): boolean {
  const { status, type } = ERROR_CODES[code];
  return type === "invalid_request_error" && status < 499 && status !== 401 && status !== 403;
}

function readErrorBody(body: unknown): UpstreamError | undefined {
  // Gemini's compatible endpoint wraps its error in an array.
  const root: unknown = Array.isArray(body) ? body[0] : body;
  if (!isFields(root)) return undefined;
  const error = root["error"] ?? root;
  if (typeof error === "string") return { message: error };
  if (!isFields(error)) return undefined;
  const message = readString(error["message"]) ?? readString(error["detail"]);
  const type = readString(error["type"]);
  const param = readString(error["param"]);
  const code = readString(error["code"]);
  const statusCode = typeof error["code"] === "number" && error["code"] >= 400 ? error["code"] : undefined;
  if (message === undefined && type === undefined && code === undefined && root["error"] === undefined)
    return undefined;
  return {
    ...(message === undefined ? {} : { message }),
    ...(type === undefined ? {} : { type }),
    ...(param === undefined ? {} : { param }),
    ...(code === undefined ? {} : { code }),
    ...(statusCode === undefined ? {} : { statusCode }),
  };
}

function readString(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function safeMessage(message: string | undefined): string | undefined {
  return message?.replace(/\bsk-\S{4,}/g, "[removed]").slice(0, MAX_MESSAGE_LENGTH);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
