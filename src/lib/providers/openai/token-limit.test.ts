import { describe, expect, it } from "vitest";
import { readChatBody } from "../../openai/chat-body.ts";
import { renameTokenLimit } from "./token-limit.ts";

const bodyWith = (fields: Record<string, unknown>) => ({
  model: "m",
  messages: [{ role: "user", content: "Hi" }],
  made_up: 1,
  ...fields,
});

/** What the upstream reads of a request with these fields. */
function sent(fields: Record<string, unknown>, model: string): unknown {
  const body = readChatBody(Buffer.from(JSON.stringify(bodyWith(fields))));
  return JSON.parse(body.withMembers(renameTokenLimit(body.head, model)).toString());
}

describe("renameTokenLimit", () => {
  it.each(["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "gpt-5.1"])(
    "gives %s a lone max_tokens as max_completion_tokens, and leaves the rest",
    (model) => {
      expect(sent({ max_tokens: 9 }, model)).toEqual(bodyWith({ max_completion_tokens: 9 }));
      expect(sent({ max_tokens: 9, max_completion_tokens: null }, model)).toEqual(
        bodyWith({ max_tokens: null, max_completion_tokens: 9 }),
      );
    },
  );

  it.each(["gpt-4o", "gpt-oss-120b", "openai/gpt-5", "omni", "llama-4", "my-o1"])("leaves %s as it is", (model) => {
    expect(sent({ max_tokens: 9 }, model)).toEqual(bodyWith({ max_tokens: 9 }));
  });

  it.each([
    [{}],
    [{ max_tokens: null }],
    [{ max_completion_tokens: 9 }],
    [{ max_tokens: 9, max_completion_tokens: 8 }],
  ])("leaves a request with %j as it is", (fields) => {
    expect(sent(fields, "gpt-5")).toEqual(bodyWith(fields));
  });
});
