import { describe, expect, it } from "vitest";
import { watchCompletion } from "./relay-completion.ts";

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const choice = (index: number, reason: string | null) => ({ index, message: {}, finish_reason: reason });
const completion = (fields: Record<string, unknown> = {}): Buffer =>
  Buffer.from(JSON.stringify({ model: "gpt-x", choices: [choice(0, "length")], usage, ...fields }));
const failure = (fields: Record<string, unknown>) => expect.objectContaining(fields);

describe("watchCompletion", () => {
  it("reads model, finish reason and tokens", () => {
    expect(watchCompletion(completion(), 1)).toEqual({ model: "gpt-x", finishReason: "length", usage });
  });

  it("takes an answer without usage", () => {
    expect(watchCompletion(completion({ usage: undefined }), 1).usage).toBeUndefined();
  });

  it("refuses an answer with a choice that has no end, or with fewer choices than were asked for, and keeps its tokens", () => {
    const choices = [choice(0, "stop"), choice(1, null)];
    expect(() => watchCompletion(completion({ choices }), 2)).toThrow(
      failure({ code: "upstream_invalid_response", usage }),
    );
    expect(() => watchCompletion(completion(), 2)).toThrow(failure({ code: "upstream_incomplete", usage }));
  });

  it.each(["", "null", "[]", "{", '{"choices":[]}'])("refuses %j as no answer", (body) => {
    expect(() => watchCompletion(Buffer.from(body), 1)).toThrow(failure({ code: "upstream_invalid_response" }));
  });
});
