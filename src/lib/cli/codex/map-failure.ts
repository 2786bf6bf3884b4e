import { GatewayError, type ErrorCode } from "../../http/errors.ts";
import { isFields } from "../../openai/fields.ts";
import { removeSecrets } from "../sensitive.ts";
import type { RateLimits, TurnError } from "./protocol.ts";

/** What is known about a turn that failed. */
export interface FailureEvidence {
  readonly error: TurnError;
  /** A part of the answer was given. */
  readonly isBegun: boolean;
  /** The last that the process told; shared by all of its requests, since they have one login. */
  readonly rateLimits: RateLimits | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const MAX_MESSAGE_LENGTH = 1000;

/** Own words per code: the CLI's name addresses and accounts of the machine it runs on. */
const MESSAGES = {
  cli_not_logged_in: "The CLI is not logged in.",
  usage_limit_reached: "The usage limit of the CLI's subscription is reached.",
  insufficient_quota: "The quota of the account behind the CLI is used up.",
  rate_limit_exceeded: "The model's API refused the request because of its rate limit.",
  upstream_unauthorized: "The model's API refused the CLI's credentials.",
  upstream_billing: "The account behind the CLI cannot be billed for this request.",
  upstream_model_not_found: "The account behind the CLI does not offer this model.",
  context_length_exceeded: "The prompt is too long for this model's context window.",
  request_too_large: "The request is too large for the model's API.",
  upstream_overloaded: "The model's API is overloaded.",
  upstream_connection_failed: "The CLI lost or did not get a connection to the model's API.",
  upstream_timeout: "The model's API did not answer the CLI in time.",
  upstream_error: "The model's API failed to answer the CLI.",
  upstream_incomplete: "The model's answer ended before it was whole.",
  content_policy_violation: "The model's API refused the request because of its policy.",
} as const satisfies Partial<Record<ErrorCode, string>>;

type FailureCode = keyof typeof MESSAGES | "invalid_request";

/** `CodexErrorInfo` without a status. */
const CODES: Readonly<Record<string, FailureCode>> = {
  contextWindowExceeded: "context_length_exceeded",
  sessionBudgetExceeded: "usage_limit_reached",
  usageLimitExceeded: "usage_limit_reached",
  rateLimitExceeded: "rate_limit_exceeded",
  flexUnavailable: "upstream_overloaded",
  policyCapacityUnavailable: "upstream_overloaded",
  serverOverloaded: "upstream_overloaded",
  modelNotFound: "upstream_model_not_found",
  cyberPolicy: "content_policy_violation",
  misalignmentPolicyViolation: "content_policy_violation",
  internalServerError: "upstream_error",
  unauthorized: "upstream_unauthorized",
  badRequest: "invalid_request",
};

const STATUSES: Readonly<Record<number, FailureCode>> = {
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

/**
 * The failure that a turn's error tells. The kind and the status decide before words, which are read only where the CLI
 * calls an error `other`. Pure: the time is an argument.
 */
export function mapFailure(evidence: FailureEvidence): GatewayError {
  const { error } = evidence;
  const code = classify(evidence);
  if (code === "invalid_request") return new GatewayError(code, invalidRequestMessage(error.message));
  return new GatewayError(code, MESSAGES[code], { retryAfterMs: readRetryAfter(code, evidence) });
}

/** Why the model stopped where the CLI calls that a failure; `undefined` for a real one. */
export function readIncompleteReason(error: TurnError): string | undefined {
  return /\bIncomplete response returned, reason: ([a-z_]+)/.exec(error.message)?.[1];
}

function classify({ error, isBegun }: FailureEvidence): FailureCode {
  const info = error.codexErrorInfo;
  if (info === "usageLimitExceeded" && /^quota exceeded/i.test(error.message)) return "insufficient_quota";
  if (typeof info === "string" && CODES[info] !== undefined) return CODES[info];
  const status = readStatus(info);
  if (typeof status === "number") return STATUSES[status] ?? (status < 500 ? "invalid_request" : "upstream_error");
  if (status === null) return isBegun ? "upstream_incomplete" : "upstream_connection_failed";
  return classifyWords(error.message, isBegun);
}

/** The HTTP status of an error that is an object with one member; `null` where it has none, `undefined` for other forms. */
function readStatus(info: unknown): number | null | undefined {
  if (!isFields(info)) return undefined;
  const [detail] = Object.values(info);
  if (!isFields(detail) || !("httpStatusCode" in detail)) return undefined;
  return typeof detail["httpStatusCode"] === "number" ? detail["httpStatusCode"] : null;
}

function classifyWords(message: string, isBegun: boolean): FailureCode {
  if (readApiMessage(message) !== undefined) return "invalid_request";
  if (/^missing environment variable/i.test(message)) return "cli_not_logged_in";
  if (/^invalid prompt\b/i.test(message)) return "content_policy_violation";
  if (!/^stream disconnected\b/i.test(message)) return "upstream_error";
  if (isBegun || /stream closed before/i.test(message)) return "upstream_incomplete";
  return /error sending request|transport error|network error/i.test(message)
    ? "upstream_connection_failed"
    : "upstream_error";
}

/** The CLI gives the body of an answer with status 400 as its message. */
function readApiMessage(message: string): string | undefined {
  if (!message.startsWith("{")) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(message);
  } catch {
    return undefined;
  }
  const error = isFields(body) ? body["error"] : undefined;
  return isFields(error) && typeof error["message"] === "string" ? error["message"] : undefined;
}

/** An invalid request is the client's to mend, so it sees the API's own words. */
function invalidRequestMessage(message: string): string {
  const said = readApiMessage(message);
  if (said === undefined || said === "") return "The model's API refused the request as invalid.";
  return removeSecrets(said, []).slice(0, MAX_MESSAGE_LENGTH);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function readRetryAfter(code: FailureCode, { error, rateLimits, nowMs }: FailureEvidence): number | undefined {
  if (code === "rate_limit_exceeded") {
    const [, amount = "", unit = ""] = /try again in ([\d.]+)\s*(ms|s|m|h)\b/i.exec(error.message) ?? [];
    const waitMs = Number(amount) * (UNIT_MS[unit.toLowerCase()] ?? Number.NaN);
    return amount !== "" && Number.isFinite(waitMs) ? waitMs : undefined;
  }
  if (code !== "usage_limit_reached") return undefined;
  const resets = [rateLimits?.primary, rateLimits?.secondary].flatMap((window) =>
    window && window.usedPercent >= 100 && typeof window.resetsAt === "number" ? [window.resetsAt] : [],
  );
  // The limit that lasts longest is the one to wait for.
  return resets.length === 0 ? undefined : Math.max(0, Math.max(...resets) * 1000 - nowMs);
}
