import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../openai/chat.ts";
import { prepareRequest, type PreparedRequest } from "./prepare-request.ts";

const hi = { role: "user" as const, content: "Hi" };

function prepare(request: Partial<ChatRequest>, model = "gemini-2.5-pro"): PreparedRequest {
  return prepareRequest({ model, messages: [hi], ...request }, model);
}

describe("prepareRequest", () => {
  it("joins system and developer messages, and has a least prompt for none", () => {
    const messages = [{ role: "system" as const, content: "a" }, hi, { role: "developer" as const, content: "b" }];
    const { systemPrompt } = prepare({ messages: [...messages, hi] });
    expect(systemPrompt).toBe("a\n\nb");
    expect(prepare({}).systemPrompt).toBe("You are a helpful assistant.");
  });

  it("calls the CLI's own choice by the CLI's word", () => {
    expect(prepare({}, "gemini").model).toBe("auto");
  });

  it.each(["-m", "", "a b", "../x", "x".repeat(300)])("refuses the model name %j", (model) => {
    expect(() => prepare({}, model)).toThrow(expect.objectContaining({ code: "unsupported_value", param: "model" }));
  });

  it("names what it drops", () => {
    const { droppedParams } = prepare({
      logit_bias: {},
      user: "u",
      stop: ["", "x"],
      reasoning_effort: "odd",
      tools: [{ type: "function", function: { name: "f" } }],
      parallel_tool_calls: false,
    });
    expect([...droppedParams].sort()).toEqual([
      "logit_bias",
      "parallel_tool_calls",
      "reasoning_effort",
      "stop",
      "user",
    ]);
  });

  it.each([
    ["gemini-2.5-flash", "none", { thinkingBudget: 0, thinkingLevel: null }],
    ["gemini-3.8-flash", "high", { thinkingLevel: "HIGH", thinkingBudget: null }],
    ["auto", "high", undefined],
  ])("thinks on %s at %s as its generation does", (model, effort, thinkingConfig) => {
    expect(prepare({ reasoning_effort: effort }, model).generationConfig["thinkingConfig"]).toEqual(thinkingConfig);
  });

  it.each([
    ["several choices", { n: 2 }, { code: "unsupported_value", param: "n" }],
    ["an assistant's message at the end", { messages: [hi, { role: "assistant", content: "x" }] }, { failover: true }],
    [
      "an image to be fetched",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x/y.png" } }] }] },
      { failover: true },
    ],
    ["a call without its result", { messages: [{ role: "assistant", tool_calls: [call("1")] }, hi] }, { status: 400 }],
    ["a tool's long name", { tools: [tool("x".repeat(60))] }, { failover: true }],
    ["a tool's odd name", { tools: [tool("a.b")] }, { failover: true }],
    ["a tool that is there twice", { tools: [tool("a"), tool("a")] }, { code: "invalid_value" }],
    ["a schema that is no object's", { tools: [tool("a", { type: "string" })] }, { failover: true }],
    [
      "a schema with the CLI's own parameter",
      { tools: [tool("a", { properties: { wait_for_previous: {} } })] },
      { failover: true },
    ],
    ["a choice that names no tool", { tools: [tool("a")], tool_choice: tool("b") }, { param: "tool_choice" }],
    ["a forced call without tools", { tool_choice: "required" }, { param: "tool_choice" }],
    ["a placeholder of the CLI", { messages: [{ role: "system", content: "${SubAgents}" }, hi] }, { failover: true }],
  ] as const)("refuses %s", (_what, request, failure) => {
    expect(() => prepare(request as Partial<ChatRequest>)).toThrow(expect.objectContaining(failure));
  });

  it("offers only the tools that are allowed", () => {
    const allowed = { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("b")] } };
    const { tools, generationConfig } = prepare({ tools: [tool("a"), tool("b")], tool_choice: allowed });
    expect(tools?.listed.map(({ name }) => name)).toEqual(["b"]);
    expect(generationConfig).toEqual({});
  });
});

function tool(name: string, parameters?: Record<string, unknown>) {
  return { type: "function" as const, function: { name, parameters } };
}

function call(id: string) {
  return { id, type: "function", function: { name: "f", arguments: "{}" } };
}
