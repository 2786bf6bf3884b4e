import { GatewayError, type ErrorCode } from "../../http/errors.ts";
import { isFields } from "../../openai/fields.ts";
import type { Usage } from "../../openai/usage.ts";
import type { ProcessExit } from "../process-group.ts";
import { removeSecrets } from "../sensitive.ts";
import type { RpcError } from "./acp.ts";

const MAX_MESSAGE_LENGTH = 1000;

/** Own words per code: the CLI's may name hosts and accounts of the machine it runs on. */
const MESSAGES = {
  cli_not_logged_in: "The CLI is not logged in.",
  usage_limit_reached: "The usage limit of the CLI's account is reached.",
  rate_limit_exceeded: "The model's API refused the request because of its rate limit.",
  upstream_unauthorized: "The model's API refused the CLI's credentials.",
  upstream_model_not_found: "The account behind the CLI does not offer this model.",
  context_length_exceeded: "The prompt is too long for this model's context window.",
  request_too_large: "The request is too large for the model's API.",
  upstream_overloaded: "The model's API is overloaded.",
  upstream_connection_failed: "The CLI lost or did not get a connection to the model's API.",
  upstream_timeout: "The model's API did not answer the CLI in time.",
  upstream_invalid_response: "The model's API answered the CLI with something that is no answer.",
  upstream_error: "The model's API failed to answer the CLI.",
} as const satisfies Partial<Record<ErrorCode, string>>;

type FailureCode = keyof typeof MESSAGES | "invalid_request";

/** How the CLI's telemetry tells a failed request. */
export interface ApiError {
  readonly status_code?: number | string | null | undefined;
}

/**
 * The failure of a `session/prompt`: its code is the API's HTTP status, or 500 for everything without one. The telemetry's
 * status decides before it; words are read only where there is none. Pure.
 */
export function mapFailure(error: RpcError, apiError: ApiError | undefined, usage: Usage | undefined): GatewayError {
  const status = readStatus(apiError) ?? error.code;
  const text = innermostMessage(error.message);
  const code = classify(status, text);
  if (code === "invalid_request") {
    const said = removeSecrets(text, []).slice(0, MAX_MESSAGE_LENGTH);
    return new GatewayError(code, said === "" ? "The model's API refused the request as invalid." : said, { usage });
  }
  return new GatewayError(code, MESSAGES[code], { retryAfterMs: readRetryAfter(status, text), usage });
}

function readStatus(apiError: ApiError | undefined): number | undefined {
  const status = Number(apiError?.status_code ?? Number.NaN);
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

function classify(status: number, text: string): FailureCode {
  if (status === 429)
    return /per ?day|daily|quota will reset/i.test(text) ? "usage_limit_reached" : "rate_limit_exceeded";
  if (status === 401 || status === 403 || /API key not valid|API_KEY_INVALID/i.test(text))
    return "upstream_unauthorized";
  if (status === 404) return "upstream_model_not_found";
  if (status === 413) return "request_too_large";
  if (status === 400) {
    return /token count .*exceeds|exceeds the maximum number of tokens/i.test(text)
      ? "context_length_exceeded"
      : "invalid_request";
  }
  if (status === 408 || status === 504) return "upstream_timeout";
  if (status === 503 || status === 529) return "upstream_overloaded";
  if (
    /fetch failed|\bterminated\b|\bECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|EPIPE|socket hang up|other side closed/i.test(text)
  ) {
    return "upstream_connection_failed";
  }
  if (/in JSON at position|Unexpected (?:token|end of JSON)|Incomplete JSON/i.test(text)) {
    return "upstream_invalid_response";
  }
  return "upstream_error";
}

/** The API's error bodies come as they are, one in the message of another. */
function innermostMessage(text: string, depth = 0): string {
  if (depth > 4 || !/^\s*[{[]/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    const body: unknown = Array.isArray(value) ? value[0] : value;
    const error = isFields(body) && isFields(body["error"]) ? body["error"] : body;
    return isFields(error) && typeof error["message"] === "string"
      ? innermostMessage(error["message"], depth + 1)
      : text;
  } catch {
    return text;
  }
}

function readRetryAfter(status: number, text: string): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const seconds = /\bretry (?:after|in) (\d+(?:\.\d+)?)\s*s/i.exec(text)?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000);
}

/** A failure before the prompt: of `initialize`, `session/load` or `session/set_model`. */
export function mapStartFailure(error: RpcError): GatewayError {
  if (error.code === -32_000 || /auth|API key/i.test(error.message)) {
    return new GatewayError("cli_not_logged_in", MESSAGES.cli_not_logged_in);
  }
  return new GatewayError("cli_output_invalid", `The CLI refused to begin a session (${error.code}).`);
}

export function notLoggedIn(): GatewayError {
  return new GatewayError("cli_not_logged_in", MESSAGES.cli_not_logged_in);
}

/** Output that ended without a reply is a failure whatever the exit code says. */
export function mapMissingReply(exit: ProcessExit | undefined): GatewayError {
  if (exit?.signal) return new GatewayError("cli_crashed", `The CLI was ended by ${exit.signal} before its result.`);
  if (exit?.exitCode === 41) return notLoggedIn();
  if (exit !== undefined && exit.exitCode !== 0) {
    return new GatewayError("cli_crashed", `The CLI ended with exit code ${exit.exitCode ?? "unknown"} and no result.`);
  }
  return new GatewayError("cli_no_result", "The CLI's output ended without a result.");
}
