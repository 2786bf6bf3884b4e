import { describe, expect, it } from "vitest";
import { translateResponse } from "./translate-response.ts";

const options = { completionId: "chatcmpl-1", created: 1_700_000_000 };
const reply = (fields: Record<string, unknown>) => ({
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5-5",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 5, cache_read_input_tokens: 10, output_tokens: 2 },
  ...fields,
});

describe("translateResponse", () => {
  it("makes a whole chat.completion, with cache reads counted into the prompt", () => {
    const usage = {
      prompt_tokens: 15,
      completion_tokens: 2,
      total_tokens: 17,
      prompt_tokens_details: { cached_tokens: 10 },
    };
    expect(translateResponse(reply({}), options)).toEqual({
      completion: {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1_700_000_000,
        model: "claude-sonnet-5-5",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "Hello", refusal: null },
            logprobs: null,
            finish_reason: "stop",
          },
        ],
        usage,
      },
      finishReason: "stop",
      usage,
      model: "claude-sonnet-5-5",
    });
  });

  it("joins text blocks and gives thinking with its signature and tool calls their own fields", () => {
    const { completion, finishReason } = translateResponse(
      reply({
        stop_reason: "tool_use",
        content: [
          { type: "thinking", thinking: "hm", signature: "sig" },
          { type: "redacted_thinking", data: "x" },
          { type: "text", text: "a" },
          { type: "text", text: "b" },
          { type: "tool_use", id: "toolu_1", name: "f", input: { x: 1 } },
          { type: "tool_use", id: "toolu_2", name: "g", input: {} },
        ],
      }),
      options,
    );
    expect(finishReason).toBe("tool_calls");
    expect(completion.choices[0]!.message).toEqual({
      role: "assistant",
      content: "ab",
      refusal: null,
      reasoning_content: "hm",
      reasoning_signature: "sig",
      tool_calls: [
        { id: "toolu_1", type: "function", function: { name: "f", arguments: '{"x":1}' } },
        { id: "toolu_2", type: "function", function: { name: "g", arguments: "{}" } },
      ],
    });
  });

  it("has null content when there are tool calls only, and empty content when there is nothing", () => {
    const call = { type: "tool_use", id: "t", name: "f", input: {} };
    const calls = translateResponse(reply({ content: [call], stop_reason: "tool_use" }), options);
    expect(calls.completion.choices[0]!.message.content).toBeNull();
    expect(translateResponse(reply({ content: [] }), options).completion.choices[0]!.message.content).toBe("");
  });

  it("leaves a signature out that would not hold for the joined thinking", () => {
    const block = { type: "thinking", thinking: "hm", signature: "sig" };
    const { completion } = translateResponse(reply({ content: [block, block] }), options);
    expect(completion.choices[0]!.message).toMatchObject({ reasoning_content: "hmhm" });
    expect(completion.choices[0]!.message).not.toHaveProperty("reasoning_signature");
  });

  it.each([
    [undefined],
    [{}],
    [reply({ stop_reason: null })],
    [reply({ content: [{ type: "text" }] })],
    [reply({ type: "notice" })],
  ])("refuses what is no finished message", (value) => {
    expect(() => translateResponse(value, options)).toThrow(
      expect.objectContaining({ code: "upstream_invalid_response" }),
    );
  });

  it("tells the failure of an error object that came with 200", () => {
    const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect(() => translateResponse(overloaded, options)).toThrow(
      expect.objectContaining({ code: "upstream_overloaded", message: "Overloaded" }),
    );
  });

  it("keeps the tokens of an answer that is not whole", () => {
    expect(() => translateResponse(reply({ stop_reason: null }), options)).toThrow(
      expect.objectContaining({ usage: expect.objectContaining({ total_tokens: 17 }) }),
    );
  });

  it("takes an answer without usage", () => {
    const { usage: _usage, ...without } = reply({});
    const { completion, usage } = translateResponse(without, options);
    expect(usage).toBeUndefined();
    expect(completion).not.toHaveProperty("usage");
  });
});
