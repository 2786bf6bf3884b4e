import { describe, expect, it } from "vitest";
import { chatRequestSchema } from "../../openai/chat.ts";
import { nameTokenLimit } from "./token-limit.ts";

const request = (fields: Record<string, unknown>) =>
  chatRequestSchema.parse({ model: "m", messages: [{ role: "user", content: "Hi" }], made_up: 1, ...fields });

describe("nameTokenLimit", () => {
  it.each(["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "gpt-5.1"])(
    "gives %s a lone max_tokens as max_completion_tokens, and leaves the rest",
    (model) => {
      const expected = request({ max_completion_tokens: 9 });
      expect(nameTokenLimit(request({ max_tokens: 9 }), model)).toEqual(expected);
      expect(nameTokenLimit(request({ max_tokens: 9, max_completion_tokens: null }), model)).toEqual(expected);
    },
  );

  it.each(["gpt-4o", "gpt-oss-120b", "openai/gpt-5", "omni", "llama-4", "my-o1"])("leaves %s as it is", (model) => {
    const given = request({ max_tokens: 9 });
    expect(nameTokenLimit(given, model)).toBe(given);
  });

  it.each([
    [{}],
    [{ max_tokens: null }],
    [{ max_completion_tokens: 9 }],
    [{ max_tokens: 9, max_completion_tokens: 8 }],
  ])("leaves a request with %j as it is", (fields) => {
    const given = request(fields);
    expect(nameTokenLimit(given, "gpt-5")).toBe(given);
  });
});
