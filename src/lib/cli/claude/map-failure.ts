import { GatewayError, type ErrorCode } from "../../http/errors.ts";
import type { ProcessExit } from "../process-group.ts";
import type { AssistantLine, RateLimitInfo, ResultLine } from "./lines.ts";
import { removeSecrets } from "../sensitive.ts";

/** What the CLI told about a failed turn. */
export interface FailureEvidence {
  readonly result: ResultLine;
  /** The last text that the CLI itself wrote in the model's place; it carries the kind of failure. */
  readonly synthetic: AssistantLine | undefined;
  /** The last refusal by a subscription's limit. */
  readonly rejectedLimit: RateLimitInfo | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const MAX_MESSAGE_LENGTH = 1000;

/** Own words per code: the CLI's name hosts and accounts of the machine it runs on. */
const MESSAGES = {
  cli_not_logged_in: "The CLI is not logged in.",
  usage_limit_reached: "The usage limit of the CLI's subscription is reached.",
  rate_limit_exceeded: "The model's API refused the request because of its rate limit.",
  upstream_unauthorized: "The model's API refused the CLI's credentials.",
  upstream_billing: "The account behind the CLI cannot be billed for this request.",
  upstream_model_not_found: "The account behind the CLI does not offer this model.",
  context_length_exceeded: "The prompt is too long for this model's context window.",
  request_too_large: "The request is too large for the model's API.",
  upstream_overloaded: "The model's API is overloaded.",
  upstream_connection_failed: "The CLI lost or did not get a connection to the model's API.",
  upstream_timeout: "The model's API did not answer the CLI in time.",
  upstream_invalid_response: "The model's API answered the CLI with something that is no answer.",
  upstream_error: "The model's API failed to answer the CLI.",
  upstream_incomplete: "The model's answer ended before it was whole.",
  content_policy_violation: "The model refused the request.",
  cli_crashed: "The CLI was interrupted before the answer was whole.",
} as const satisfies Partial<Record<ErrorCode, string>>;

/**
 * The failure that a `result` line with `is_error` tells. Statuses and kinds decide before words; words are read only
 * where a version gives nothing else. Pure: the time is an argument.
 */
export function mapFailure(evidence: FailureEvidence): GatewayError {
  const code = classify(evidence);
  if (code === "invalid_request") return new GatewayError(code, invalidRequestMessage(readText(evidence)));
  return new GatewayError(code, MESSAGES[code], { retryAfterMs: readRetryAfter(code, evidence) });
}

type FailureCode = keyof typeof MESSAGES | "invalid_request";

function classify(evidence: FailureEvidence): FailureCode {
  const { result, synthetic } = evidence;
  const status = result.api_error_status ?? synthetic?.api_error_status ?? undefined;
  const type = result.api_error_type ?? synthetic?.api_error_type ?? undefined;
  const kind = synthetic?.error ?? undefined;
  const detail = result.api_error ?? synthetic?.api_error ?? undefined;
  const text = readText(evidence);
  const isRateLimit = kind === "rate_limit" || status === 429;

  if (detail === "usage_limit_reached" || (isRateLimit && evidence.rejectedLimit !== undefined)) {
    return "usage_limit_reached";
  }
  if (isRateLimit) return /\bhit your .*limit\b/i.test(text) ? "usage_limit_reached" : "rate_limit_exceeded";
  if (/^not logged in\b|please run \/login/i.test(text)) return "cli_not_logged_in";
  if (kind === "authentication_failed" || status === 401 || status === 403) return "upstream_unauthorized";
  if (kind === "billing_error" || status === 402) return "upstream_billing";
  if (kind === "model_not_found" || status === 404) return "upstream_model_not_found";
  if (isPromptTooLong(result, text)) return "context_length_exceeded";
  if (status === 413) return "request_too_large";
  if (type === "overloaded_error" || status === 529 || kind === "overloaded" || /\boverloaded\b/i.test(text)) {
    return "upstream_overloaded";
  }
  if (result.stop_reason === "refusal") return "content_policy_violation";
  if (status === 400 || status === 422 || kind === "invalid_request") return "invalid_request";
  if (kind === "max_output_tokens") return "upstream_incomplete";
  if (result.terminal_reason?.startsWith("aborted") || result.subtype === "error_during_execution") {
    return "cli_crashed";
  }
  return classifyTransport(detail, text);
}

function isPromptTooLong(result: ResultLine, text: string): boolean {
  return (
    result.terminal_reason === "prompt_too_long" ||
    result.terminal_reason === "blocking_limit" ||
    /^prompt is too long\b/i.test(text)
  );
}

function classifyTransport(detail: string | undefined, text: string): FailureCode {
  if (/\btimed? ?out\b/i.test(text)) return "upstream_timeout";
  if (detail === "connection_failed" || /\b(ECONN[A-Z]+|ENOTFOUND|EPIPE|connection)\b/i.test(text)) {
    return "upstream_connection_failed";
  }
  if (/malformed|JSON Parse error/i.test(text)) return "upstream_invalid_response";
  return "upstream_error";
}

function readText({ result, synthetic }: FailureEvidence): string {
  if (typeof result.result === "string" && result.result !== "") return result.result;
  const block = synthetic?.message.content.find((candidate) => candidate.type === "text");
  return typeof block?.["text"] === "string" ? block["text"] : "";
}

/** An invalid request is the client's to mend, so it sees the API's own words, without the CLI's frame around them. */
function invalidRequestMessage(text: string): string {
  const said = removeSecrets(text.replace(/^API Error:\s*(?:4\d\d\s*)?/i, ""), []).slice(0, MAX_MESSAGE_LENGTH);
  return said === "" ? "The model's API refused the request as invalid." : said;
}

function readRetryAfter(code: FailureCode, evidence: FailureEvidence): number | undefined {
  const resetsAt = evidence.rejectedLimit?.resetsAt ?? undefined;
  if (code !== "usage_limit_reached" || resetsAt === undefined) return undefined;
  return Math.max(0, resetsAt * 1000 - evidence.nowMs);
}

/** Output that ended without a `result` line is a failure whatever the exit code says. */
export function mapMissingResult(exit: ProcessExit | undefined): GatewayError {
  if (exit?.signal) return new GatewayError("cli_crashed", `The CLI was ended by ${exit.signal} before its result.`);
  if (exit !== undefined && exit.exitCode !== 0) {
    return new GatewayError("cli_crashed", `The CLI ended with exit code ${exit.exitCode ?? "unknown"} and no result.`);
  }
  return new GatewayError("cli_no_result", "The CLI's output ended without a result.");
}
