import type { MessageResult } from "./types.ts";

export type CommitStatus = MessageResult["status"];

/** What the server knows of a request when a message for it arrives. */
export interface CommitState {
  readonly phase: "open" | "ended" | "unknown";
  /** The last sequence number that was taken; 0 before the first. */
  readonly ackedSeq: number;
}

/**
 * Judges one message by its sequence number (docs/agent-protocol.md, rule 1): only the next number is taken. `held` is
 * not decided here, since it depends on the size of the message.
 */
export function judgeMessage(state: CommitState, seq: number): Exclude<CommitStatus, "held"> {
  if (state.phase === "unknown") return "unknown";
  if (seq <= state.ackedSeq) return "duplicate";
  if (state.phase === "ended") return "closed";
  return seq === state.ackedSeq + 1 ? "committed" : "gap";
}

/** From the least to the most that the agent has to know. */
const WEIGHT: Record<CommitStatus, number> = { duplicate: 0, committed: 1, gap: 2, held: 3, closed: 4, unknown: 5 };

/** The one status of a request whose messages in one POST had several: what asks something of the agent wins. */
export function mergeStatus(earlier: CommitStatus | undefined, later: CommitStatus): CommitStatus {
  return earlier !== undefined && WEIGHT[earlier] > WEIGHT[later] ? earlier : later;
}
