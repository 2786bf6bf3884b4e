import { GatewayError, isErrorCode } from "../http/errors.ts";
import type { AgentError, SequencedMessage } from "./types.ts";

type RejectMessage = Extract<SequencedMessage, { type: "reject" }>;

/**
 * Where a request that failed on one agent before any output may go inside the manager: nowhere, to an agent that is
 * free at this moment, or to any other agent, waiting for it if need be.
 */
export type RetryRule = "never" | "free-agent" | "any-agent";

export interface AgentFailure {
  readonly error: GatewayError;
  readonly retry: RetryRule;
}

const BUSY_RETRY_AFTER_MS = 1000;

const REJECTIONS = {
  busy: "agents_busy",
  unsupported: "agent_rejected",
  cli_missing: "cli_missing",
  not_logged_in: "cli_not_logged_in",
  policy: "agent_rejected",
} as const;

/** What a `reject` means to the client and to the retry. */
export function failureOfReject(message: RejectMessage): AgentFailure {
  const busy = message.code === "busy";
  const text = message.message === "" ? "The agent rejected the request." : message.message;
  const error = new GatewayError(REJECTIONS[message.code], text, {
    param: message.param ?? null,
    failover: true,
    ...(busy ? { retryAfterMs: BUSY_RETRY_AFTER_MS } : {}),
  });
  return { error, retry: busy ? "any-agent" : "free-agent" };
}

/** By these a client would think that its own key or rights are at fault. */
const OWN_KEY_CODES: ReadonlySet<string> = new Set(["invalid_api_key", "permission_denied", "csrf_rejected"]);
const OWN_KEY_STATUSES: ReadonlySet<number> = new Set([401, 403, 407]);

/**
 * What an `error` means: the code if the table has it, else `upstream_error`; the status is kept; what would speak of the
 * client's own key becomes `upstream_unauthorized`. `stderrTail` is left out.
 */
export function failureOfError(message: AgentError): AgentFailure {
  const text = message.message === "" ? "The agent reported a failure." : message.message;
  const isOwnKey = OWN_KEY_CODES.has(message.code) || OWN_KEY_STATUSES.has(message.status);
  const code = isErrorCode(message.code) ? message.code : "upstream_error";
  const error = new GatewayError(isOwnKey ? "upstream_unauthorized" : code, text, {
    ...(isOwnKey ? {} : { status: message.status }),
    param: message.param ?? null,
    retryAfterMs: message.retryAfterMs ?? undefined,
    failover: message.retryable,
    usage: message.usage ?? undefined,
  });
  return { error, retry: message.retryable ? "free-agent" : "never" };
}

/** The agent left, or does not know the request any more. */
export function agentLost(reason: string): AgentFailure {
  return { error: new GatewayError("agent_lost", `The agent was lost: ${reason}.`), retry: "any-agent" };
}

/** The agent broke the protocol; what it sent for this request cannot be trusted. */
export function protocolFailure(reason: string): AgentFailure {
  return {
    error: new GatewayError("agent_protocol_error", `The agent broke the protocol: ${reason}.`),
    retry: "free-agent",
  };
}

/** The agent was too slow. Its time is spent, so that no other agent is tried; the gateway may try another provider. */
export function agentTimeout(reason: string): AgentFailure {
  return { error: new GatewayError("upstream_timeout", reason), retry: "never" };
}
