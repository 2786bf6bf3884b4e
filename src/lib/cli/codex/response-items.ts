import type { ChatMessage, ContentPart } from "../../openai/chat.ts";
import type { Fields } from "../../openai/fields.ts";
import { cannotCarry, toOfferedName } from "./client-tools.ts";
import { prepareImage, readImage, type PlacedImage } from "./prepare-image.ts";

export interface Conversation {
  readonly items: readonly Fields[];
  /** The images among them, in their order. */
  readonly images: readonly PlacedImage[];
}

/**
 * A conversation as input items of the Responses API (openai/openai-openapi, `InputItem`), in its order and with its
 * roles: `system` is `developer` there, which the CLI keeps where it stands.
 *
 * @throws GatewayError 400; with `failover` for content that the CLI cannot carry
 */
export function toResponseItems(messages: readonly ChatMessage[]): Conversation {
  const images: PlacedImage[] = [];
  const items = messages.flatMap((message, index): Fields[] => {
    const at = `messages[${index}]`;
    switch (message.role) {
      case "system":
      case "developer":
        return [toMessage("developer", toInput(message.content, at, images))];
      case "user":
        return [toMessage("user", toInput(message.content, at, images))];
      case "assistant":
        return toAssistantItems(message, at);
      case "tool": {
        const { tool_call_id: callId, content } = message;
        return [{ type: "function_call_output", call_id: callId, output: toOutput(content, at, images) }];
      }
      case "function":
        throw cannotCarry(at, "The CLI cannot carry messages of the role 'function'");
    }
    return [];
  });
  return { items, images };
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

function toOutput(content: Content, at: string, images: PlacedImage[]): string | readonly Fields[] {
  return typeof content === "string" ? content : toInput(content, at, images);
}

function toInput(content: Content, at: string, images: PlacedImage[]): readonly Fields[] {
  if (typeof content === "string") return [{ type: "input_text", text: content }];
  return content.map((part, index): Fields => {
    if (part.type === "text" && typeof part["text"] === "string") return { type: "input_text", text: part["text"] };
    const image = readImage(part);
    const path = `${at}.content[${index}]`;
    if (image === undefined) throw cannotCarry(path, `The CLI cannot carry content of the type '${part.type}'`);
    const { content: item, placed } = prepareImage(image, `${path}.image_url`);
    images.push(placed);
    return item;
  });
}
