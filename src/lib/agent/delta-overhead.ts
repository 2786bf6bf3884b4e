import type { ChatDelta } from "../openai/delta.ts";

/** What an object costs in memory beside its text, in bytes: as the agent counts it for its own buffer. */
const OBJECT_BYTES = 64;

/** What a delta costs in memory beside its text, in bytes. Without it, millions of tiny deltas would count as nothing. */
export function deltaOverhead({ tool_calls: calls = [] }: ChatDelta): number {
  return OBJECT_BYTES * (1 + calls.length);
}
