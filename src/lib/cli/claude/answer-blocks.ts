import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import type { Fields } from "../../openai/fields.ts";

/**
 * The blocks of an answer that came whole, as the deltas that a stream of it would have given. Redacted thinking and
 * block types that are not known yet have no place in a chat delta.
 *
 * @throws GatewayError `cli_unexpected_tool` on a tool call.
 */
export function translateAnswerBlocks(blocks: readonly Fields[]): readonly ChatDelta[] {
  const deltas: ChatDelta[] = [];
  for (const block of blocks) {
    if (block["type"] === "tool_use") {
      throw new GatewayError("cli_unexpected_tool", "The model's call of a tool came without its stream.");
    }
    if (block["type"] === "text" && isText(block["text"])) deltas.push({ content: block["text"] });
    if (block["type"] !== "thinking") continue;
    if (isText(block["thinking"])) deltas.push({ reasoning_content: block["thinking"] });
    if (isText(block["signature"])) deltas.push({ reasoning_signature: block["signature"] });
  }
  return deltas;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
