/** The messages that end a request, as the wire has them. */
import type { AgentComplete, AgentError, SequencedMessage } from "../../src/lib/agent/types.ts";
import type { CliOutcome } from "../../src/lib/cli/types.ts";
import type { ErrorBody } from "./outbox.ts";

interface Place {
  readonly requestId: string;
  readonly seq: number;
}

/** `deltaCount` and `deltaSha256`: of all chunks before it, see `deltaDigestText`. */
export function completeMessage(
  { requestId, seq }: Place,
  outcome: CliOutcome,
  sums: Pick<AgentComplete, "deltaCount" | "deltaSha256">,
): AgentComplete {
  return {
    type: "complete",
    requestId,
    seq,
    finishReason: outcome.finishReason,
    usage: outcome.usage,
    usageSource: outcome.usageSource,
    model: outcome.model,
    droppedParams: outcome.droppedParams.slice(0, 100),
    costUsd: outcome.costUsd,
    timings: outcome.timings,
    ...sums,
  };
}

export function errorMessage({ requestId, seq }: Place, body: ErrorBody): AgentError {
  return {
    ...body,
    type: "error",
    requestId,
    seq,
    message: body.message.slice(0, 4096),
    stderrTail: body.stderrTail?.slice(-4096),
  };
}

type Reject = Extract<SequencedMessage, { type: "reject" }>;

export function rejectMessage(
  { requestId, seq }: Place,
  code: string,
  message: string,
): Omit<Reject, "code"> & { readonly code: string } {
  return { type: "reject", requestId, seq, code, message: message.slice(0, 4096) };
}
