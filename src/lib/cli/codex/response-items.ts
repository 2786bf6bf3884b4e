import type { ChatMessage, ContentPart } from "../../openai/chat.ts";
import type { Fields } from "../../openai/fields.ts";
import { cannotCarry, toOfferedName } from "./client-tools.ts";

/**
 * A conversation as input items of the Responses API (openai/openai-openapi, `InputItem`), in its order and with its
 * roles: `system` is `developer` there, which the CLI keeps where it stands.
 *
 * @throws GatewayError 400 with `failover` for content that the CLI cannot carry
 */
export function toResponseItems(messages: readonly ChatMessage[]): readonly Fields[] {
  return messages.flatMap((message, index): Fields[] => {
    const at = `messages[${index}]`;
    switch (message.role) {
      case "system":
      case "developer":
        return [toMessage("developer", toInput(message.content, at))];
      case "user":
        return [toMessage("user", toInput(message.content, at))];
      case "assistant":
        return toAssistantItems(message, at);
      case "tool": {
        const { tool_call_id: callId, content } = message;
        return [{ type: "function_call_output", call_id: callId, output: toOutput(content, at) }];
      }
      case "function":
        throw cannotCarry(at, "The CLI cannot carry messages of the role 'function'");
    }
    return [];
  });
}

type Content = string | readonly ContentPart[];

function toMessage(role: string, content: readonly Fields[]): Fields {
  return { type: "message", role, content };
}

function toAssistantItems(message: Extract<ChatMessage, { role: "assistant" }>, at: string): Fields[] {
  const parts = typeof message.content === "string" ? [message.content] : (message.content ?? []).map(readText);
  const texts = [...parts, message.refusal ?? ""].filter((text) => text !== "");
  const calls = (message.tool_calls ?? []).map((call): Fields => {
    if (call.function === undefined) throw cannotCarry(at, `The CLI cannot carry calls of the type '${call.type}'`);
    const { name, arguments: text } = call.function;
    return { type: "function_call", call_id: call.id, name: toOfferedName(name), arguments: text };
  });
  const content = texts.map((text): Fields => ({ type: "output_text", text }));
  return [...(content.length === 0 ? [] : [toMessage("assistant", content)]), ...calls];
}

function readText(part: ContentPart): string {
  if (part.type === "text" && typeof part["text"] === "string") return part["text"];
  return typeof part["refusal"] === "string" ? part["refusal"] : "";
}

function toOutput(content: Content, at: string): string | readonly Fields[] {
  return typeof content === "string" ? content : toInput(content, at);
}

function toInput(content: Content, at: string): readonly Fields[] {
  if (typeof content === "string") return [{ type: "input_text", text: content }];
  return content.map((part, index): Fields => {
    if (part.type === "text" && typeof part["text"] === "string") return { type: "input_text", text: part["text"] };
    const image = part["image_url"];
    if (part.type !== "image_url" || typeof image !== "object" || image === null || !("url" in image)) {
      throw cannotCarry(`${at}.content[${index}]`, `The CLI cannot carry content of the type '${part.type}'`);
    }
    const url = String(image.url);
    // Never a path or `file:`: what the upstream gets is what the client sent.
    if (!/^(data:image\/|https?:\/\/)/i.test(url)) {
      throw cannotCarry(`${at}.content[${index}].image_url`, "An image must be a data: or http(s): URL");
    }
    const detail = "detail" in image && typeof image.detail === "string" ? { detail: image.detail } : {};
    return { type: "input_image", image_url: url, ...detail };
  });
}
