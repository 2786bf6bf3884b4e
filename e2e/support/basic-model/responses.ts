import { isFields, type Fields } from "../../../src/lib/openai/fields.ts";
import { FAKE_RESPONSES_USAGE, responseEvents, responseFrame } from "../../../src/test/fake-responses-server.ts";
import type { Dialect } from "./dialect.ts";

const END = /^response\.(output_text\.done|content_part\.done|output_item\.done|completed)$/;

/** OpenAI's Responses API. */
export const responses: Dialect = {
  matches: (method, path) => method === "POST" && /^\/v1\/responses(\?|$)/.test(path),
  read: (body) => {
    const items = Array.isArray(body["input"]) ? body["input"].filter(isFields) : [];
    const isSystem = ({ role }: Fields): boolean => role === "developer" || role === "system";
    return {
      system: [
        typeof body["instructions"] === "string" ? body["instructions"] : "",
        ...items.filter(isSystem).map(textOf),
      ].join("\n"),
      turns: items.flatMap((item) => {
        const { role } = item;
        if (role !== "user" && role !== "assistant") return [];
        return [
          { role, text: textOf(item), images: partsOf(item).filter(({ type }) => type === "input_image").length },
        ];
      }),
    };
  },
  frames: (pieces) => {
    const events = responseEvents({ pieces });
    const isEnd = ({ type }: Fields): boolean => END.test(String(type));
    return {
      text: events.filter((event) => !isEnd(event)).map(responseFrame),
      end: events.filter(isEnd).map(responseFrame),
    };
  },
  callFrames: (calls) =>
    responseEvents({
      calls: calls.map(({ name, input }, index) => ({ id: `call_${index}`, name, arguments: JSON.stringify(input) })),
    }).map(responseFrame),
  error: (status) => ({ error: { type: "error", code: null, message: `as ordered: ${status}`, param: null } }),
  usage: { prompt_tokens: FAKE_RESPONSES_USAGE.input_tokens, completion_tokens: FAKE_RESPONSES_USAGE.output_tokens },
};

function partsOf({ content }: Fields): readonly Fields[] {
  return Array.isArray(content) ? content.filter(isFields) : [];
}

function textOf(item: Fields): string {
  if (typeof item["content"] === "string") return item["content"];
  return partsOf(item)
    .map(({ text }) => (typeof text === "string" ? text : ""))
    .join("");
}
