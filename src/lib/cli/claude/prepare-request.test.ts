import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { prepareRequest } from "./prepare-request.ts";

const request = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: "opus",
  messages: [{ role: "user", content: "hi" }],
  ...more,
});

function refusal(run: () => unknown): GatewayError {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  return expect.fail("was not refused");
}

describe("prepareRequest", () => {
  it.each(["-p", "--model", "", "a b", "a\nb", "é", "a;b", "x".repeat(201)])("refuses the model name %j", (model) => {
    expect(refusal(() => prepareRequest(request(), model))).toMatchObject({ status: 400, param: "model" });
  });

  it.each(["opus", "claude-opus-4-8[1m]", "us.anthropic.claude-opus-4-v1:0"])("takes the model name %s", (model) => {
    expect(prepareRequest(request(), model).model).toBe(model);
  });

  it("gives tools, history and choice the names that the CLI offers", () => {
    const prepared = prepareRequest(
      request({
        tools: [{ type: "function", function: { name: "f" } }],
        tool_choice: { type: "function", function: { name: "f" } },
        parallel_tool_calls: false,
        messages: [
          { role: "user", content: "a" },
          {
            role: "assistant",
            tool_calls: [{ id: "toolu_1", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          { role: "tool", tool_call_id: "toolu_1", content: "r" },
        ],
      }),
      "opus",
    );
    expect(prepared.tools?.listed).toEqual([{ name: "f", inputSchema: { type: "object", properties: {} } }]);
    expect(prepared.messages[1]?.content).toEqual([
      { type: "tool_use", id: "toolu_1", name: "mcp__client__f", input: {} },
    ]);
    expect(prepared.extraBody).toEqual({
      tool_choice: { type: "tool", name: "mcp__client__f", disable_parallel_tool_use: true },
    });
    // The API refuses thinking beside a forced call.
    expect(prepared.thinkingDisabled).toBe(true);
    expect(prepared.droppedParams).toEqual([]);
  });

  it("offers tools with tool_choice none too, which the history may need, and forbids their calls", () => {
    const tools = [{ type: "function" as const, function: { name: "f" } }];
    const prepared = prepareRequest(request({ tools, tool_choice: "none" }), "opus");
    expect(prepared.tools?.listed).toHaveLength(1);
    expect(prepared.extraBody).toEqual({ tool_choice: { type: "none" } });
    expect(prepared.thinkingDisabled).toBe(false);
  });

  it("has no tools where the list is empty", () => {
    expect(prepareRequest(request({ tools: [] }), "opus")).toMatchObject({ tools: undefined, extraBody: {} });
  });

  it("refuses a conversation that ends with the assistant's words, so that another provider may be tried", () => {
    const messages: ChatRequest["messages"] = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ];
    expect(refusal(() => prepareRequest(request({ messages }), "opus"))).toMatchObject({
      code: "unsupported_parameter",
      failover: true,
    });
  });

  it("joins system and developer texts into the system prompt", () => {
    const prepared = prepareRequest(
      request({
        messages: [
          { role: "system", content: "one" },
          { role: "user", content: "q" },
          { role: "developer", content: "two" },
        ],
      }),
      "opus",
    );
    expect(prepared.systemPrompt).toBe("one\n\ntwo");
    expect(prepared.messages).toEqual([{ role: "user", content: [{ type: "text", text: "q" }] }]);
  });

  it("carries sampling, stop and a schema by the body, and switches thinking off for sampling", () => {
    const schema = { type: "object", properties: { a: { type: "string" } } };
    const prepared = prepareRequest(
      request({
        temperature: 0.5,
        top_p: 0.9,
        stop: ["END"],
        response_format: { type: "json_schema", json_schema: { name: "x", schema } },
      }),
      "claude-sonnet-4-5",
    );
    expect(prepared.extraBody).toEqual({
      temperature: 0.5,
      top_p: 0.9,
      stop_sequences: ["END"],
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(prepared.thinkingDisabled).toBe(true);
    expect(prepared.droppedParams).toEqual([]);
  });

  it("never lets prompts, tools or identity into the body", () => {
    const { extraBody } = prepareRequest(
      request({ user: "u", metadata: { a: "b" }, system: "x", messages: [{ role: "user", content: "q" }] }),
      "opus",
    );
    expect(extraBody).toEqual({});
  });

  it("names what is dropped", () => {
    const prepared = prepareRequest(
      request({
        user: "someone",
        seed: 1,
        temperature: 0.2,
        response_format: { type: "json_object" },
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b", reasoning_content: "t", reasoning_signature: "s" },
          { role: "user", content: "c" },
        ],
      }),
      "opus",
    );
    expect(new Set(prepared.droppedParams)).toEqual(
      new Set(["user", "seed", "temperature", "response_format", "messages[].reasoning_content"]),
    );
    expect(prepared.messages[1]?.content).toEqual([{ type: "text", text: "b" }]);
  });

  it("refuses a schema too large for an environment variable, so that another provider may be tried", () => {
    const schema = { type: "object", description: "ü".repeat(70_000) };
    const format = { type: "json_schema", json_schema: { name: "x", schema } };
    expect(refusal(() => prepareRequest(request({ response_format: format }), "opus"))).toMatchObject({
      param: "response_format",
      failover: true,
    });
  });

  it("switches thinking off where the answer's tokens leave no room for it", () => {
    expect(prepareRequest(request({ max_tokens: 500 }), "claude-sonnet-4-5")).toMatchObject({
      maxOutputTokens: 500,
      thinkingDisabled: true,
    });
    expect(prepareRequest(request({ max_completion_tokens: 5000 }), "opus")).toMatchObject({
      maxOutputTokens: 5000,
      thinkingDisabled: false,
    });
  });

  it("gives the reasoning effort as the model's generation takes it", () => {
    expect(prepareRequest(request({ reasoning_effort: "minimal" }), "opus").effort).toBe("low");
    const budget = prepareRequest(request({ reasoning_effort: "low" }), "claude-sonnet-4-5");
    expect(budget).toMatchObject({ effort: undefined, thinkingBudget: 2048, thinkingDisabled: false });
  });
});
