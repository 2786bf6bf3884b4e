import { isFields, type Fields } from "../../../src/lib/openai/fields.ts";
import { anthropicEvents, anthropicFrames } from "../../../src/test/fake-anthropic-server.ts";
import type { Dialect } from "./dialect.ts";

const END = /^(content_block_stop|message_delta|message_stop)$/;

/** Anthropic's Messages API. */
export const anthropic: Dialect = {
  matches: (method, path) => method === "POST" && /^\/v1\/messages(\?|$)/.test(path),
  read: (body) => ({
    system: blocksOf(body["system"])
      .map(({ text }) => String(text))
      .join("\n"),
    turns: (Array.isArray(body["messages"]) ? body["messages"].filter(isFields) : []).flatMap((message) => {
      const { role } = message;
      if (role !== "user" && role !== "assistant") return [];
      const blocks = blocksOf(message["content"]);
      const texts = blocks.flatMap(({ text }) => (typeof text === "string" && !isReminder(text) ? [text] : []));
      return [{ role, text: texts.join(""), images: blocks.filter(({ type }) => type === "image").length }];
    }),
  }),
  frames: (pieces) => {
    const events = anthropicEvents({ pieces });
    const isEnd = ({ type }: Fields): boolean => END.test(String(type));
    return {
      text: anthropicFrames(events.filter((event) => !isEnd(event))),
      end: anthropicFrames(events.filter(isEnd)),
    };
  },
  callFrames: (calls) =>
    anthropicFrames([
      ...anthropicEvents({ pieces: [] }).slice(0, 1),
      ...calls.flatMap(({ name, input }, index) => [
        {
          type: "content_block_start",
          index,
          content_block: { type: "tool_use", id: `toolu_${index}`, name, input: {} },
        },
        {
          type: "content_block_delta",
          index,
          delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
        },
        { type: "content_block_stop", index },
      ]),
      ...anthropicEvents({ stopReason: "tool_use" }).slice(-2),
    ]),
  error: (status) => ({ type: "error", error: { type: ERROR_TYPES[status] ?? "api_error", message: "as ordered" } }),
  usage: { prompt_tokens: 2125, completion_tokens: 9 },
};

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** What the CLI says beside the user. */
function isReminder(text: string): boolean {
  return text.startsWith("<system-reminder>");
}

function blocksOf(content: unknown): readonly Fields[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isFields) : [];
}
