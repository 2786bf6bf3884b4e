import { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import type { ChatCompletion, CompletionMessage, CompletionToolCall } from "../../openai/completion.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { toFinishReason } from "./finish-reason.ts";
import { isFields } from "../../openai/fields.ts";
import { translateClaudeErrorEvent } from "./translate-error.ts";
import { mergeClaudeUsage, toUsage } from "./translate-usage.ts";

/** A whole message, as far as it is read (platform.claude.com/docs, Messages). Block types that are not known are kept out of the answer. */
const messageSchema = z.looseObject({
  type: z.literal("message"),
  model: z.string(),
  content: z.array(
    z.union([
      z.looseObject({ type: z.literal("text"), text: z.string() }),
      z.looseObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string().nullish() }),
      z.looseObject({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown().optional() }),
      z.looseObject({ type: z.string().refine((type) => !["text", "thinking", "tool_use"].includes(type)) }),
    ]),
  ),
  stop_reason: z.string(),
  usage: z.unknown().optional(),
});

export interface TranslateResponseOptions {
  /** `chatcmpl-…`. */
  readonly completionId: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

export interface TranslatedResponse {
  readonly completion: ChatCompletion;
  readonly finishReason: FinishReason;
  readonly usage: Usage | undefined;
  readonly model: string;
}

/**
 * A reply of `POST /v1/messages` as a `chat.completion`. The content is `null` when the answer is tool calls only. The
 * signature of the thinking is kept where there was one thinking block: it holds for that block's text alone.
 *
 * @throws GatewayError what an `{"type":"error", …}` body with 200 tells, and `upstream_invalid_response` when the reply
 * is not a finished message; with the tokens it was counted at.
 */
export function translateResponse(reply: unknown, options: TranslateResponseOptions): TranslatedResponse {
  const parsed = messageSchema.safeParse(reply);
  if (!parsed.success) {
    if (isFields(reply) && reply["type"] === "error") throw translateClaudeErrorEvent(reply);
    throw new GatewayError("upstream_invalid_response", "Anthropic's reply is not a finished message.", {
      usage: isFields(reply) ? toUsage(mergeClaudeUsage({}, reply["usage"])) : undefined,
      cause: parsed.error,
    });
  }
  const { content, model, stop_reason: stopReason } = parsed.data;
  const text: string[] = [];
  const thinking: string[] = [];
  const signatures: string[] = [];
  const toolCalls: CompletionToolCall[] = [];
  for (const block of content) {
    if (isBlock(block, "text")) text.push(block.text);
    else if (isBlock(block, "thinking")) {
      thinking.push(block.thinking);
      if (block.signature) signatures.push(block.signature);
    } else if (isBlock(block, "tool_use")) {
      const call = { name: block.name, arguments: JSON.stringify(block.input ?? {}) };
      toolCalls.push({ id: block.id, type: "function", function: call });
    }
  }
  const [signature] = signatures;
  const finishReason = toFinishReason(stopReason, toolCalls.length > 0);
  const usage = toUsage(mergeClaudeUsage({}, parsed.data.usage));
  const answer = text.join("");
  const reasoning = thinking.join("");
  const message: CompletionMessage = {
    role: "assistant",
    content: answer === "" && toolCalls.length > 0 ? null : answer,
    refusal: null,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(signature === undefined || thinking.length > 1 ? {} : { reasoning_signature: signature }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
  const completion: ChatCompletion = {
    id: options.completionId,
    object: "chat.completion",
    created: options.created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    ...(usage === undefined ? {} : { usage }),
  };
  return { completion, finishReason, usage, model };
}

type Block = z.infer<typeof messageSchema>["content"][number];

/** Narrows by type; the schema lets a known type pass only in its full shape. */
function isBlock<Type extends "text" | "thinking" | "tool_use">(
  block: Block,
  type: Type,
): block is Extract<Block, { type: Type }> {
  return block.type === type;
}
