import { GatewayError } from "../../http/errors.ts";
import type { ChatMessage } from "../../openai/chat.ts";
import { isFields } from "../../openai/fields.ts";
import type { GeminiContent, GeminiPart } from "./gemini-content.ts";
import { translateParts, translateText } from "./translate-parts.ts";

type AssistantMessage = Extract<ChatMessage, { role: "assistant" }>;

export interface TranslatedMessages {
  /** The system and developer messages, with an empty line between them; possibly empty. */
  readonly systemPrompt: string;
  /** Alternating turns; the last one is the user's. */
  readonly contents: readonly GeminiContent[];
}

/**
 * OpenAI messages as Gemini contents: system and developer messages become the system prompt wherever they stand,
 * neighbours of one role one turn, tool messages `functionResponse` parts of the user's turn.
 *
 * @param toOffered a tool's name as the model sees it
 * @throws GatewayError 400 with `param`; with `failover` for a conversation that ends with an assistant message
 */
export function translateMessages(
  messages: readonly ChatMessage[],
  toOffered: (name: string) => string,
): TranslatedMessages {
  const system: string[] = [];
  const turns: { role: GeminiContent["role"]; parts: GeminiPart[] }[] = [];
  /** Names of the calls whose results have not come yet, by id. */
  const openCalls = new Map<string, string>();

  const add = (role: GeminiContent["role"], parts: readonly GeminiPart[]): void => {
    if (parts.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else turns.push({ role, parts: [...parts] });
  };

  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case "system":
      case "developer": {
        const text = translateText(message.content, `${path}.content`);
        if (text !== "") system.push(text);
        return;
      }
      case "user":
        requireResults(openCalls, path);
        add("user", translateParts(message.content, `${path}.content`));
        return;
      case "assistant":
        if (turns.at(-1)?.role === "user") requireResults(openCalls, path);
        add("model", translateAssistant(message, path, openCalls, toOffered));
        return;
      case "tool": {
        const name = openCalls.get(message.tool_call_id);
        if (name === undefined) {
          const problem = "A tool message must follow the assistant message that made its tool call.";
          throw new GatewayError("invalid_value", problem, { param: `${path}.tool_call_id` });
        }
        openCalls.delete(message.tool_call_id);
        const output = translateText(message.content, `${path}.content`);
        add("user", [{ functionResponse: { id: message.tool_call_id, name, response: { output } } }]);
        return;
      }
      case "function":
        throw new GatewayError("unsupported_value", "Messages of role 'function' are not supported; use tools.", {
          param: `${path}.role`,
        });
    }
  });
  requireResults(openCalls, "messages");
  if (turns.at(-1)?.role !== "user") {
    const problem = "The CLI needs a user or tool message that is not empty at the end of the conversation.";
    throw new GatewayError("unsupported_parameter", problem, { param: "messages", failover: turns.length > 0 });
  }
  return { systemPrompt: system.join("\n\n"), contents: turns };
}

function translateAssistant(
  message: AssistantMessage,
  path: string,
  openCalls: Map<string, string>,
  toOffered: (name: string) => string,
): readonly GeminiPart[] {
  const text = translateText(message.content, `${path}.content`);
  const refusal = message.refusal ?? "";
  const calls = (message.tool_calls ?? []).map((call, index): GeminiPart => {
    const callPath = `${path}.tool_calls[${index}]`;
    if (call.type !== "function" || call.function === undefined) {
      throw new GatewayError("unsupported_value", "Only tool calls of type 'function' are supported.", {
        param: `${callPath}.type`,
      });
    }
    const name = toOffered(call.function.name);
    openCalls.set(call.id, name);
    const args = parseArguments(call.function.arguments, `${callPath}.function.arguments`);
    return { functionCall: { id: call.id, name, args } };
  });
  return [...(text === "" ? [] : [{ text }]), ...(refusal === "" ? [] : [{ text: refusal }]), ...calls];
}

function parseArguments(text: string, path: string): Readonly<Record<string, unknown>> {
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

function requireResults(openCalls: ReadonlyMap<string, string>, path: string): void {
  if (openCalls.size === 0) return;
  throw new GatewayError("invalid_value", "Every tool call must be followed by a tool message with its result.", {
    param: path,
  });
}
