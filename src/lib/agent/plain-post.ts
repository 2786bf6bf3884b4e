import { type Fields, isFields } from "../openai/fields.ts";
import { PROTOCOL_LIMITS, type AgentMessage } from "./types.ts";

const MAX_ID_LENGTH = 128;
const MAX_DELTAS = 10_000;

/**
 * Whether a value is a POST of the kind that nearly all are (chunks of text, and the messages that accept a request), for
 * which `agentPostSchema` would answer the very same value: then the schema, which costs several times as much, need not
 * be run. `false` says nothing: the schema decides, leaves out what it does not know, and words what is wrong.
 */
export function isPlainPost(value: unknown): value is AgentMessage[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > PROTOCOL_LIMITS.maxBatchMessages) return false;
  for (const message of value) if (!isPlainMessage(message)) return false;
  return true;
}

function isPlainMessage(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { requestId } = value;
  if (typeof requestId !== "string" || requestId === "" || requestId.length > MAX_ID_LENGTH) return false;
  if (!isCounted(value["seq"])) return false;
  if (value["type"] === "chunk") return hasFields(value, 4) && isTexts(value["deltas"]);
  return value["type"] === "accept" && hasFields(value, 4) && isCounted(value["attempt"]);
}

function isTexts(deltas: unknown): boolean {
  if (!Array.isArray(deltas) || deltas.length === 0 || deltas.length > MAX_DELTAS) return false;
  for (const delta of deltas) {
    if (!isFields(delta) || !hasFields(delta, 1)) return false;
    if (typeof delta["content"] !== "string" && typeof delta["reasoning_content"] !== "string") return false;
  }
  return true;
}

/** With all known fields checked, this leaves no room for unknown ones. */
function hasFields(value: Fields, count: number): boolean {
  return Object.keys(value).length === count;
}

function isCounted(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
