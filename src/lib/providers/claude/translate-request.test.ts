import { describe, expect, it } from "vitest";
import { chatRequestSchema, type ChatRequest } from "../../openai/chat.ts";
import { claudeModelTraits, resolveClaudeModel } from "./models.ts";
import { translateMessages, translateRequest } from "./translate-request.ts";

const PNG = "iVBORw0KGgo=";

function messages(...list: unknown[]): ChatRequest["messages"] {
  return chatRequestSchema.parse({ model: "sonnet", messages: list }).messages;
}

function translate(fields: Record<string, unknown>, model = "claude-sonnet-4-5") {
  const request = chatRequestSchema.parse({ model: "x", messages: [{ role: "user", content: "Hi" }], ...fields });
  return translateRequest(request, { model, defaultMaxTokens: 32_000 });
}

const call = (id: string, argumentsText: string, name = "get_weather") => ({
  id,
  type: "function",
  function: { name, arguments: argumentsText },
});

/** The 400 that names the code and the field at fault. */
const refusal = (code: string, param: string): Error => expect.objectContaining({ status: 400, code, param }) as Error;

describe("messages", () => {
  it("system and developer messages, wherever they stand, become the system prompt in order", () => {
    const { system, messages: turns } = translateMessages(
      messages(
        { role: "system", content: "One." },
        { role: "user", content: "Hi" },
        { role: "developer", content: [{ type: "text", text: "Two." }] },
      ),
    );
    expect(system).toEqual([
      { type: "text", text: "One." },
      { type: "text", text: "Two." },
    ]);
    expect(turns).toEqual([{ role: "user", content: [{ type: "text", text: "Hi" }] }]);
  });

  it("neighbours of the same role become one turn", () => {
    const { messages: turns } = translateMessages(
      messages(
        { role: "user", content: "a" },
        { role: "user", content: "b" },
        { role: "assistant", content: "c" },
        { role: "assistant", content: "d" },
        { role: "user", content: "e" },
      ),
    );
    expect(turns.map(({ role, content }) => [role, content.length])).toEqual([
      ["user", 2],
      ["assistant", 2],
      ["user", 1],
    ]);
  });

  it("images travel as base64 or by https URL", () => {
    const { messages: turns } = translateMessages(
      messages({
        role: "user",
        content: [
          { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
          { type: "image_url", image_url: { url: "https://example.com/a.jpg" } },
        ],
      }),
    );
    expect(turns[0]!.content).toEqual([
      { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      { type: "image", source: { type: "url", url: "https://example.com/a.jpg" } },
    ]);
  });

  it.each([
    ["data:image/png;base64,a b", "invalid_value"],
    ["data:image/png;base64,", "invalid_value"],
    ["data:image/png,abcd", "invalid_value"],
    ["data:image/png;base64", "invalid_value"],
    [`data:image/tiff;base64,${PNG}`, "unsupported_value"],
    ["http://example.com/a.jpg", "invalid_value"],
    ["file:///etc/passwd", "invalid_value"],
    ["ftp://example.com/a.jpg", "invalid_value"],
    ["a.jpg", "invalid_value"],
  ])("an image at %s is refused by name", (url, code) => {
    const list = messages(
      { role: "system", content: "s" },
      { role: "user", content: [{ type: "image_url", image_url: { url } }] },
    );
    expect(() => translateMessages(list)).toThrow(refusal(code, "messages[1].content[0].image_url.url"));
  });

  it.each(["input_audio", "file", "video_url"])("a part of type %s is refused by name", (type) => {
    const list = messages({ role: "user", content: [{ type: "text", text: "x" }, { type }] });
    expect(() => translateMessages(list)).toThrow(refusal("unsupported_value", "messages[0].content[1].type"));
  });

  it("an image in a system message is refused, not lost", () => {
    const content = [{ type: "image_url", image_url: { url: "https://example.com/a.jpg" } }];
    const list = messages({ role: "system", content }, { role: "user", content: "x" });
    expect(() => translateMessages(list)).toThrow(refusal("unsupported_value", "messages[0].content[0]"));
  });

  it("tool calls and their results become tool_use and one user turn of tool_result, then the user's words", () => {
    const { messages: turns } = translateMessages(
      messages(
        { role: "user", content: "Weather?" },
        { role: "assistant", content: null, tool_calls: [call("a", '{"city":"Oslo"}'), call("b.1", "")] },
        { role: "tool", tool_call_id: "a", content: "cold" },
        {
          role: "tool",
          tool_call_id: "b.1",
          content: [
            { type: "text", text: "x" },
            { type: "text", text: "y" },
          ],
        },
        { role: "user", content: "And?" },
      ),
    );
    expect(turns.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "a", name: "get_weather", input: { city: "Oslo" } },
          { type: "tool_use", id: "b_1", name: "get_weather", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "a", content: "cold" },
          {
            type: "tool_result",
            tool_use_id: "b_1",
            content: [
              { type: "text", text: "x" },
              { type: "text", text: "y" },
            ],
          },
          { type: "text", text: "And?" },
        ],
      },
    ]);
  });

  it.each(["{", "[1]", "3", "null"])("arguments that are no JSON object (%s) are refused by name", (text) => {
    const list = messages(
      { role: "user", content: "x" },
      { role: "assistant", tool_calls: [call("a", text)] },
      { role: "tool", tool_call_id: "a", content: "y" },
    );
    expect(() => translateMessages(list)).toThrow(
      refusal("invalid_value", "messages[1].tool_calls[0].function.arguments"),
    );
  });

  it("a call without its result, and a result without its call, are refused by name", () => {
    const asked = [
      { role: "user", content: "x" },
      { role: "assistant", tool_calls: [call("a", "{}"), call("b", "{}")] },
      { role: "tool", tool_call_id: "a", content: "y" },
    ];
    expect(() => translateMessages(messages(...asked))).toThrow(refusal("invalid_value", "messages"));
    const next = { role: "user", content: "z" };
    expect(() => translateMessages(messages(...asked, next))).toThrow(refusal("invalid_value", "messages[3]"));
    const stray = { role: "tool", tool_call_id: "c", content: "y" };
    expect(() => translateMessages(messages(...asked, stray))).toThrow(
      refusal("invalid_value", "messages[3].tool_call_id"),
    );
  });

  it("signed thinking comes back first in its turn, unsigned or lonely thinking is left out", () => {
    const { messages: turns } = translateMessages(
      messages(
        { role: "user", content: "a" },
        { role: "assistant", content: "b", reasoning_content: "hm", reasoning_signature: "sig" },
        { role: "user", content: "c" },
        { role: "assistant", content: "d", reasoning_content: "hm" },
        { role: "user", content: "e" },
        { role: "assistant", content: "", reasoning_content: "hm", reasoning_signature: "sig" },
      ),
    );
    expect(turns[1]!.content).toEqual([
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "text", text: "b" },
    ]);
    expect(turns[3]!.content).toEqual([{ type: "text", text: "d" }]);
    expect(turns).toHaveLength(5);
  });

  it("empty text is left out, white space between words is kept", () => {
    const content = ["", "a", " ", "b"].map((text) => ({ type: "text", text }));
    const { messages: turns } = translateMessages(messages({ role: "user", content }));
    expect(turns[0]!.content).toEqual([
      { type: "text", text: "a " },
      { type: "text", text: "b" },
    ]);
  });

  it("an assistant's refusal stays in the history", () => {
    const { messages: turns } = translateMessages(
      messages({ role: "user", content: "a" }, { role: "assistant", content: null, refusal: "No." }),
    );
    expect(turns[1]!.content).toEqual([{ type: "text", text: "No." }]);
  });

  it("a conversation without a word, or that begins with the assistant, is refused", () => {
    expect(() => translateMessages(messages({ role: "system", content: "s" }))).toThrow(
      refusal("invalid_value", "messages"),
    );
    expect(() => translateMessages(messages({ role: "user", content: " " }))).toThrow(
      refusal("invalid_value", "messages"),
    );
    const greeting = messages({ role: "assistant", content: "Hello!" }, { role: "user", content: "x" });
    expect(() => translateMessages(greeting)).toThrow(refusal("invalid_value", "messages[0].role"));
  });

  it("the functions that tools replaced are refused by name", () => {
    const user = { role: "user", content: "x" };
    const result = messages(user, { role: "function", name: "f", content: "y" });
    expect(() => translateMessages(result)).toThrow(refusal("unsupported_value", "messages[1].role"));
    const asked = messages(user, { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } });
    expect(() => translateMessages(asked)).toThrow(refusal("unsupported_value", "messages[1].function_call"));
  });
});

describe("parameters", () => {
  it("a minimal request needs nothing but the default of max_tokens", () => {
    expect(translate({ stream: true, stream_options: { include_usage: true } })).toEqual({
      body: {
        model: "claude-sonnet-4-5",
        max_tokens: 32_000,
        messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      },
      droppedParams: [],
    });
  });

  it("max_completion_tokens goes before max_tokens", () => {
    expect(translate({ max_tokens: 5 }).body.max_tokens).toBe(5);
    expect(translate({ max_tokens: 5, max_completion_tokens: 6 }).body.max_tokens).toBe(6);
  });

  it("sampling reaches the models that take it, with the temperature in Anthropic's range", () => {
    const { body, droppedParams } = translate({ temperature: 1.7, top_p: 0.5, stop: "END", user: "u1" });
    expect(body).toMatchObject({
      temperature: 1,
      top_p: 0.5,
      stop_sequences: ["END"],
      metadata: { user_id: "u1" },
    });
    expect(droppedParams).toEqual([]);
  });

  it("sampling is named as dropped for the models that refuse it, unless it is the default", () => {
    const { body, droppedParams } = translate({ temperature: 0.2, top_p: 0.5 }, "claude-sonnet-5-5");
    expect([body.temperature, body.top_p]).toEqual([undefined, undefined]);
    expect(droppedParams).toEqual(["temperature", "top_p"]);
    expect(translate({ temperature: 1, top_p: 1 }, "claude-sonnet-5-5").droppedParams).toEqual([]);
  });

  it("stop sequences of white space are named as dropped, the others kept", () => {
    const { body, droppedParams } = translate({ stop: ["\n\n", "END", ""] });
    expect(body.stop_sequences).toEqual(["END"]);
    expect(droppedParams).toEqual(["stop"]);
  });

  it("names what it cannot honour, known or not, and nothing that is null", () => {
    const { droppedParams } = translate({
      seed: 1,
      logit_bias: {},
      presence_penalty: 0.5,
      frequency_penalty: null,
      store: true,
      made_up: "x",
      functions: [],
      n: 1,
      response_format: { type: "json_object" },
    });
    expect([...droppedParams].sort()).toEqual(
      ["functions", "logit_bias", "made_up", "presence_penalty", "response_format", "seed", "store"].sort(),
    );
  });

  it("names what it cannot honour within messages and tools", () => {
    const { droppedParams } = translate({
      messages: [
        {
          role: "user",
          name: "Ada",
          content: [{ type: "image_url", image_url: { url: "https://example.com/a.png", detail: "high" } }],
        },
        { role: "assistant", content: "x", reasoning_content: "hm" },
      ],
      tools: [{ type: "function", function: { name: "f", strict: true } }],
    });
    expect(droppedParams).toEqual([
      "messages[].name",
      "messages[].content[].image_url.detail",
      "messages[].reasoning_content",
      "tools[].function.strict",
    ]);
  });

  it("refuses several choices", () => {
    expect(() => translate({ n: 2 })).toThrow(refusal("unsupported_value", "n"));
  });

  it("a JSON schema becomes output_config.format", () => {
    const schema = { type: "object", properties: {}, additionalProperties: false };
    const { body } = translate({ response_format: { type: "json_schema", json_schema: { name: "x", schema } } });
    expect(body.output_config).toEqual({ format: { type: "json_schema", schema } });
    expect(() => translate({ response_format: { type: "json_schema", json_schema: { name: "x" } } })).toThrow(
      refusal("missing_required_parameter", "response_format.json_schema.schema"),
    );
    expect(() => translate({ response_format: { type: "xml" } })).toThrow(
      refusal("unsupported_value", "response_format.type"),
    );
  });
});

describe("tools", () => {
  const tools = ["a", "b"].map((name) => ({
    type: "function",
    function: { name, description: `does ${name}`, parameters: { properties: { x: { type: "string" } } } },
  }));

  it("keep name, description and schema; a schema's missing root type is added", () => {
    expect(translate({ tools }).body.tools![0]).toEqual({
      name: "a",
      description: "does a",
      input_schema: { type: "object", properties: { x: { type: "string" } } },
    });
    expect(translate({ tools: [{ type: "function", function: { name: "c" } }] }).body.tools).toEqual([
      { name: "c", input_schema: { type: "object", properties: {} } },
    ]);
  });

  it.each([
    ["auto", undefined],
    ["none", { type: "none" }],
    ["required", { type: "any" }],
    [
      { type: "function", function: { name: "b" } },
      { type: "tool", name: "b" },
    ],
  ])("tool_choice %j becomes %j", (choice, expected) => {
    expect(translate({ tools, tool_choice: choice }).body.tool_choice).toEqual(expected);
  });

  it("allowed_tools offers only those tools", () => {
    const allowed = { mode: "required", tools: [{ type: "function", function: { name: "b" } }] };
    const { body } = translate({ tools, tool_choice: { type: "allowed_tools", allowed_tools: allowed } });
    expect(body.tools!.map(({ name }) => name)).toEqual(["b"]);
    expect(body.tool_choice).toEqual({ type: "any" });
  });

  it("parallel_tool_calls: false disables parallel use", () => {
    expect(translate({ tools, parallel_tool_calls: false }).body.tool_choice).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
    expect(translate({ parallel_tool_calls: false }).body.tool_choice).toBeUndefined();
  });

  it("refuses by name what cannot be met", () => {
    expect(() => translate({ tools: [{ type: "custom", custom: {} }] })).toThrow(
      refusal("unsupported_value", "tools[0].type"),
    );
    expect(() => translate({ tool_choice: "required" })).toThrow(refusal("invalid_value", "tool_choice"));
    const unknown = { type: "function", function: { name: "zz" } };
    expect(() => translate({ tools, tool_choice: unknown })).toThrow(refusal("invalid_value", "tool_choice"));
    expect(() => translate({ tools, tool_choice: { type: "mcp" } })).toThrow(
      refusal("unsupported_value", "tool_choice.type"),
    );
  });
});

describe("reasoning_effort", () => {
  const reasoning = (effort: string, model: string, fields: Record<string, unknown> = {}) => {
    const { body, droppedParams } = translate({ reasoning_effort: effort, ...fields }, model);
    return { thinking: body.thinking, effort: body.output_config?.["effort"], dropped: droppedParams };
  };

  it("is an effort with visible adaptive thinking on current models", () => {
    expect(reasoning("medium", "claude-opus-5-5")).toEqual({
      thinking: { type: "adaptive", display: "summarized" },
      effort: "medium",
      dropped: [],
    });
    expect(reasoning("minimal", "claude-opus-5-5").effort).toBe("low");
    expect(reasoning("xhigh", "claude-opus-5-5").effort).toBe("xhigh");
    expect(reasoning("xhigh", "claude-sonnet-4-6").effort).toBe("max");
  });

  it("is a budget on models before 4.6, never more than half of the answer", () => {
    expect(reasoning("high", "claude-sonnet-4-5")).toEqual({
      thinking: { type: "enabled", budget_tokens: 16_000 },
      effort: undefined,
      dropped: [],
    });
    expect(reasoning("low", "claude-opus-4-20250514").thinking).toEqual({ type: "enabled", budget_tokens: 2048 });
    expect(reasoning("high", "claude-sonnet-4-5", { max_tokens: 3000 }).thinking).toMatchObject({
      budget_tokens: 1500,
    });
    expect(reasoning("high", "claude-sonnet-4-5", { max_tokens: 2000 })).toMatchObject({
      thinking: undefined,
      dropped: ["reasoning_effort"],
    });
  });

  it("none leaves thinking out, disables it, or is named as dropped where it cannot be had", () => {
    expect(reasoning("none", "claude-sonnet-4-5")).toEqual({ thinking: undefined, effort: undefined, dropped: [] });
    expect(reasoning("none", "claude-sonnet-5").thinking).toEqual({ type: "disabled" });
    expect(reasoning("none", "claude-opus-5-5")).toMatchObject({ effort: "low", dropped: ["reasoning_effort"] });
  });

  it("gives way to a forced tool call and takes precedence over sampling, as the API wants", () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(reasoning("high", "claude-sonnet-4-5", { tools, tool_choice: "required" })).toMatchObject({
      thinking: undefined,
      dropped: ["reasoning_effort"],
    });
    expect(reasoning("high", "claude-sonnet-4-5", { temperature: 0.3 }).dropped).toEqual(["temperature"]);
  });

  it("is named as dropped by models that do not think, and refused when it is no effort", () => {
    expect(reasoning("high", "claude-3-5-sonnet-20241022").dropped).toEqual(["reasoning_effort"]);
    expect(() => reasoning("very", "claude-opus-5-5")).toThrow(refusal("unsupported_value", "reasoning_effort"));
  });
});

describe("models", () => {
  it("aliases name current models, other ids stay", () => {
    expect(resolveClaudeModel("sonnet")).toBe("claude-sonnet-5-5");
    expect(resolveClaudeModel("claude-next-9")).toBe("claude-next-9");
    expect(resolveClaudeModel("toString")).toBe("toString");
  });

  it.each([
    ["claude-3-haiku-20240307", "none", 4096],
    ["claude-3-7-sonnet-20250219", "budget", 32_000],
    ["claude-opus-4-20250514", "budget", 32_000],
    ["claude-haiku-4-5-20251001", "budget", 32_000],
    ["claude-sonnet-4-6", "adaptive", 32_000],
    ["claude-opus-4-8", "adaptive", 32_000],
    ["claude-sonnet-5", "adaptive-default", 32_000],
    ["claude-opus-5-5", "adaptive-always", 32_000],
    ["claude-fable-5", "adaptive-always", 32_000],
    ["claude-opus-4-8[1m]", "adaptive", 32_000],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "budget", 32_000],
    ["claude-unheard-of", "adaptive-always", 32_000],
  ])("%s thinks by %s", (model, thinking, defaultMaxTokens) => {
    expect(claudeModelTraits(model)).toMatchObject({ thinking, defaultMaxTokens });
  });
});
