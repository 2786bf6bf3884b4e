import { GatewayError } from "../../http/errors.ts";
import type { ChatMessage } from "../../openai/chat.ts";
import { isFields } from "../../openai/fields.ts";
import { translateContent, translateTextContent } from "./translate-content.ts";
import type { ClaudeContentBlock, ClaudeMessage, ClaudeTextBlock, ClaudeToolUseBlock } from "./types.ts";

type AssistantMessage = Extract<ChatMessage, { role: "assistant" }>;
type ToolMessage = Extract<ChatMessage, { role: "tool" }>;

export interface TranslatedMessages {
  /** The system and developer messages, in order; possibly empty. */
  readonly system: readonly ClaudeTextBlock[];
  /** User and assistant turns, strictly alternating, beginning with a user's. */
  readonly messages: readonly ClaudeMessage[];
}

interface Turn {
  readonly role: "user" | "assistant";
  readonly content: ClaudeContentBlock[];
}

interface Conversation {
  readonly system: ClaudeTextBlock[];
  readonly turns: Turn[];
  /** Ids of tool calls whose results have not come yet. */
  readonly openToolCalls: Set<string>;
}

/**
 * OpenAI messages as a Messages API conversation (platform.claude.com/docs, Messages).
 *
 * - System and developer messages, wherever they stand, become the system prompt, in order.
 * - Neighbours of the same role become one turn. Tool messages become `tool_result` blocks of the user turn that
 *   follows the calls; a call without a result, and a result without a call, is a 400 here as it is at both vendors.
 * - `reasoning_signature` (with `reasoning_content`, which newer models leave empty) becomes a `thinking` block before
 *   the rest of its message. Thinking without a signature, or with nothing after it, is left out: Anthropic refuses it.
 * - Messages that hold nothing but white space are left out.
 * - A conversation must begin with a user message, since Anthropic takes no other: an assistant's greeting first is a 400.
 * - `function` messages and `function_call` were replaced by tools and are a 400.
 *
 * @throws GatewayError 400 with `param` naming the message, part or call at fault.
 */
export function translateMessages(messages: readonly ChatMessage[]): TranslatedMessages {
  const conversation: Conversation = { system: [], turns: [], openToolCalls: new Set() };
  messages.forEach((message, index) => addMessage(conversation, message, `messages[${index}]`));
  requireToolResults(conversation, "messages");
  if (conversation.turns.length === 0) {
    throw new GatewayError("invalid_value", "The conversation needs at least one user message that is not empty.", {
      param: "messages",
    });
  }
  return { system: conversation.system, messages: conversation.turns };
}

function addMessage(conversation: Conversation, message: ChatMessage, path: string): void {
  switch (message.role) {
    case "system":
    case "developer":
      conversation.system.push(...translateTextContent(message.content, `${path}.content`));
      return;
    case "user":
      requireToolResults(conversation, path);
      addBlocks(conversation, "user", translateContent(message.content, `${path}.content`), path);
      return;
    case "assistant":
      addAssistantMessage(conversation, message, path);
      return;
    case "tool":
      addToolMessage(conversation, message, path);
      return;
    case "function":
      throw new GatewayError("unsupported_value", "Messages of role 'function' are not supported; use tools.", {
        param: `${path}.role`,
      });
  }
}

function addBlocks(conversation: Conversation, role: Turn["role"], blocks: ClaudeContentBlock[], path: string): void {
  if (blocks.length === 0) return;
  const last = conversation.turns.at(-1);
  if (last?.role === role) {
    last.content.push(...blocks);
    return;
  }
  if (last === undefined && role === "assistant") {
    throw new GatewayError("invalid_value", "The first message after the system messages must be a user message.", {
      param: `${path}.role`,
    });
  }
  conversation.turns.push({ role, content: blocks });
}

function addAssistantMessage(conversation: Conversation, message: AssistantMessage, path: string): void {
  if ((message["function_call"] ?? null) !== null) {
    throw new GatewayError("unsupported_value", "'function_call' is not supported; use 'tool_calls'.", {
      param: `${path}.function_call`,
    });
  }
  if (conversation.turns.at(-1)?.role === "user") requireToolResults(conversation, path);
  const blocks: ClaudeContentBlock[] = translateTextContent(message.content, `${path}.content`);
  if (typeof message.refusal === "string" && message.refusal.trim() !== "") {
    blocks.push({ type: "text", text: message.refusal });
  }
  message.tool_calls?.forEach((call, index) => {
    blocks.push(translateToolCall(call, `${path}.tool_calls[${index}]`));
    conversation.openToolCalls.add(call.id);
  });
  const signature = message.reasoning_signature ?? "";
  if (signature !== "" && blocks.length > 0) {
    blocks.unshift({ type: "thinking", thinking: message.reasoning_content ?? "", signature });
  }
  addBlocks(conversation, "assistant", blocks, path);
}

function translateToolCall(
  call: NonNullable<AssistantMessage["tool_calls"]>[number],
  path: string,
): ClaudeToolUseBlock {
  if (call.type !== "function" || call.function === undefined) {
    throw new GatewayError("unsupported_value", "Only tool calls of type 'function' are supported by this model.", {
      param: `${path}.type`,
    });
  }
  const input = parseArguments(call.function.arguments, `${path}.function.arguments`);
  return { type: "tool_use", id: toToolUseId(call.id), name: call.function.name, input };
}

function parseArguments(text: string, path: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new GatewayError("invalid_value", "Tool call arguments must be valid JSON.", { param: path });
  }
  if (isFields(input)) return input;
  throw new GatewayError("invalid_value", "Tool call arguments must be a JSON object.", { param: path });
}

/** Anthropic takes only `[a-zA-Z0-9_-]` in tool ids; other vendors' ids have more. The same id always maps to the same. */
function toToolUseId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, "_");
}

function addToolMessage(conversation: Conversation, message: ToolMessage, path: string): void {
  if (!conversation.openToolCalls.delete(message.tool_call_id)) {
    throw new GatewayError(
      "invalid_value",
      "A tool message must follow the assistant message that made its tool call.",
      {
        param: `${path}.tool_call_id`,
      },
    );
  }
  const content = translateContent(message.content, `${path}.content`);
  const [first] = content;
  addBlocks(
    conversation,
    "user",
    [
      {
        type: "tool_result",
        tool_use_id: toToolUseId(message.tool_call_id),
        content: content.length === 1 && first?.type === "text" ? first.text : content.length === 0 ? "" : content,
      },
    ],
    path,
  );
}

function requireToolResults(conversation: Conversation, path: string): void {
  if (conversation.openToolCalls.size === 0) return;
  throw new GatewayError("invalid_value", "Every tool call must be followed by a tool message with its result.", {
    param: path,
  });
}
