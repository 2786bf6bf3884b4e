import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { prepareRequest } from "./prepare-request.ts";

const prepare = (request: Partial<ChatRequest>, model = "codex") =>
  prepareRequest({ model, messages: [{ role: "user", content: "hi" }], ...request }, model);

function refusal(request: Partial<ChatRequest>, model?: string): GatewayError {
  try {
    prepare(request, model);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  return expect.fail("it was not refused");
}

const tool = (name: string, parameters: Record<string, unknown> = { type: "object", properties: {} }) => ({
  type: "function" as const,
  function: { name, parameters },
});
const format = (schema: unknown, strict?: boolean) => ({
  type: "json_schema",
  json_schema: { name: "n", schema, ...(strict === undefined ? {} : { strict }) },
});
const STRICT = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };

describe("prepareRequest", () => {
  it("leaves the model to the CLI for its alias only", () => {
    expect(prepare({}).model).toBeUndefined();
    expect(prepare({}, "gpt-5.5").model).toBe("gpt-5.5");
    expect(refusal({}, "--config=x")).toMatchObject({ code: "unsupported_value", param: "model" });
  });

  it("names what the CLI cannot carry, unless it asks for what is given anyway", () => {
    const { droppedParams } = prepare({
      temperature: 0.5,
      top_p: 1,
      seed: 1,
      max_tokens: 5,
      user: "u",
      logprobs: false,
      presence_penalty: 0,
      metadata: null,
      response_format: { type: "json_object" },
      messages: [
        { role: "user", content: "hi", name: "Ann" },
        { role: "assistant", content: "a", reasoning_content: "r" },
      ],
    });
    expect([...droppedParams].toSorted()).toEqual([
      "max_tokens",
      "messages[].name",
      "messages[].reasoning_content",
      "response_format",
      "seed",
      "temperature",
      "user",
    ]);
  });

  it.each([
    [{ n: 2 }, "n"],
    [{ logprobs: true }, "logprobs"],
    [{ functions: [] }, "functions"],
    [{ stop: Array.from({ length: 17 }, (_, index) => `${index}`) }, "stop"],
    [{ stop: "x".repeat(257) }, "stop"],
    [{ modalities: ["text", "audio"] }, "modalities"],
    [{ tools: [tool("a")], tool_choice: "required" as const }, "tool_choice"],
    [{ tools: [tool("a")], tool_choice: { type: "function", function: { name: "a" } } }, "tool_choice"],
    [{ tools: [tool("a b")] }, "tools"],
    [{ tools: [{ type: "custom", custom: { name: "x" } }] }, "tools"],
    [{ response_format: format({ type: "object", properties: { a: {} } }) }, "response_format"],
    [{ messages: [{ role: "function" as const, name: "f", content: "x" }] }, "messages[0]"],
    [{ messages: [{ role: "user" as const, content: [{ type: "input_audio" }] }] }, "messages[0].content[0]"],
    [
      {
        messages: [
          { role: "user" as const, content: [{ type: "image_url", image_url: { url: "file:///etc/passwd" } }] },
        ],
      },
      "messages[0].content[0].image_url",
    ],
  ] satisfies [Partial<ChatRequest>, string][])(
    "leaves to another provider what it would answer wrongly: %j",
    (request, param) => {
      expect(refusal(request)).toMatchObject({ code: "unsupported_parameter", failover: true, param, status: 400 });
    },
  );

  it("carries schemas that are strict, by name or by form", () => {
    expect(prepare({ response_format: format(STRICT) }).outputSchema).toEqual(STRICT);
    const loose = { type: "object", properties: { a: {} } };
    expect(prepare({ response_format: format(loose, true) }).outputSchema).toEqual(loose);
    const nested = { ...STRICT, properties: { a: { type: "object", properties: {} } } };
    expect(refusal({ response_format: format(nested, false) }).param).toBe("response_format");
  });

  it("renames tools whose names the CLI keeps for itself, in the history too", () => {
    const call = { id: "c", type: "function", function: { name: "exec_command", arguments: "{}" } };
    const { tools, clientNames, items } = prepare({
      tools: [tool("exec_command"), tool("mcp__a__b"), tool("plain")],
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "done" },
      ],
    });
    expect(tools.map(({ name }) => name)).toEqual(["client_exec_command", "client_mcp__a__b", "plain"]);
    expect([...clientNames.values()]).toEqual(["exec_command", "mcp__a__b", "plain"]);
    expect(items[1]).toMatchObject({ type: "function_call", name: "client_exec_command" });
    expect(refusal({ tools: [tool("a"), tool("a")] })).toMatchObject({ code: "invalid_value", failover: false });
    expect(refusal({ tools: [tool("exec_command"), tool("client_exec_command")] }).code).toBe("invalid_value");
  });

  it("names what the CLI leaves out of a tool's schema", () => {
    const schema = (inner: object) => [
      tool("a", { type: "object", properties: { minimum: { type: "string", ...inner } } }),
    ];
    expect(prepare({ tools: schema({ enum: ["x"] }) }).droppedParams).toEqual([]);
    expect(prepare({ tools: schema({ pattern: "^x" }) }).droppedParams).toEqual(["tools[].function.parameters"]);
  });

  it("offers no tools with a tool choice of none", () => {
    expect(prepare({ tools: [tool("a")], tool_choice: "none" }).tools).toEqual([]);
  });

  it("takes stop texts in both forms, without empty ones", () => {
    expect(prepare({ stop: "END" }).stop).toEqual(["END"]);
    expect(prepare({ stop: ["", "A"] }).stop).toEqual(["A"]);
    expect(prepare({ stop: Array.from({ length: 16 }, () => "x".repeat(256)) }).stop).toHaveLength(16);
  });
});
