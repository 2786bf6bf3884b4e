import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import { geminiStream } from "../../src/test/fake-gemini-server.ts";
import { geminiProgram, startRealGemini, type RealGemini } from "./harness.ts";

const parameters = {
  type: "object",
  properties: { city: { type: "string" }, where: { $ref: "#/$defs/place" } },
  required: ["city"],
  additionalProperties: false,
  $defs: { place: { type: "object" } },
};
const tools: ChatRequest["tools"] = [
  { type: "function", function: { name: "get_weather", description: "Tells the weather.", parameters } },
  { type: "function", function: { name: "read_file" } },
];

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: the client's tools", () => {
  let gemini: RealGemini;
  beforeEach(async () => {
    gemini = await startRealGemini();
  });
  afterEach(() => gemini.close());

  it("offers them with their schemas, and tells every call of an answer, unchecked and in order, after its text", async () => {
    const after = [
      { functionCall: { name: "mcp_client_get_weather", args: { city: "Paris" } } },
      { functionCall: { name: "mcp_client_get_weather", args: { city: 7, more: [true], wait_for_previous: true } } },
      { functionCall: { name: "mcp_client_read_file", args: {} } },
    ];
    gemini.reply(geminiStream({ pieces: ["Let me see."], after }));
    const { text, deltas, outcome } = await gemini.ask({ tools });
    expect(text).toBe("Let me see.");
    expect(outcome).toMatchObject({ finishReason: "tool_calls", usage: { total_tokens: 127 } });
    const calls = deltas.flatMap((delta) => delta.tool_calls ?? []);
    expect(calls.map((call) => [call.index, call.type, call.function])).toEqual([
      [0, "function", { name: "get_weather", arguments: '{"city":"Paris"}' }],
      [1, "function", { name: "get_weather", arguments: '{"city":7,"more":[true]}' }],
      [2, "function", { name: "read_file", arguments: "{}" }],
    ]);
    expect(new Set(calls.map((call) => call.id)).size).toBe(3);
    expect(gemini.upstream.requests).toHaveLength(1);
    const [weather, file] = gemini.bodies()[0]?.tools[0]?.functionDeclarations ?? [];
    expect(weather).toMatchObject({ name: "mcp_client_get_weather", description: "Tells the weather." });
    expect(weather?.["parametersJsonSchema"]).toMatchObject(parameters);
    expect(file).toMatchObject({ name: "mcp_client_read_file" });
    expect(await gemini.leftovers()).toEqual([]);
  });

  it("answers in text where no tool is called", async () => {
    const { text, outcome } = await gemini.ask({ tools });
    expect(text).toBe("Hello! This is a plain answer.");
    expect(outcome.finishReason).toBe("stop");
  });

  it("sends calls and results of the conversation with their ids", async () => {
    await gemini.ask({
      tools,
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: "Hm.",
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"city":"Rome"}' } },
            { id: "call_2", type: "function", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } },
          ],
        },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
        { role: "tool", tool_call_id: "call_2", content: "/help rain" },
      ],
    });
    const name = "mcp_client_get_weather";
    const [question, calls, results] = gemini.bodies()[0]?.contents ?? [];
    expect(question).toEqual({ role: "user", parts: [{ text: "Weather?" }] });
    expect(calls).toMatchObject({
      role: "model",
      parts: [
        { text: "Hm." },
        { functionCall: { name, id: "call_1", args: { city: "Rome" } } },
        { functionCall: { name, id: "call_2", args: { city: "Oslo" } } },
      ],
    });
    expect(results).toEqual({
      role: "user",
      parts: [
        { functionResponse: { name, id: "call_1", response: { output: "sunny" } } },
        { functionResponse: { name, id: "call_2", response: { output: "/help rain" } } },
        { text: " " },
      ],
    });
    expect(gemini.bodies()[0]?.contents).toHaveLength(3);
  });

  it.each([
    ["required", { functionCallingConfig: { mode: "ANY" } }, 2],
    ["none", { functionCallingConfig: { mode: "NONE" } }, 2],
    [{ type: "function", function: { name: "read_file" } }, { functionCallingConfig: { mode: "ANY" } }, 1],
  ] as const)("carries the choice %j", async (choice, sent, count) => {
    await gemini.ask({ tools, tool_choice: choice });
    expect(gemini.bodies()[0]?.["toolConfig"]).toEqual(sent);
    expect(gemini.bodies()[0]?.tools[0]?.functionDeclarations).toHaveLength(count);
  });

  it("fails when the model calls a tool of the CLI's own beside them", async () => {
    const after = [{ functionCall: { name: "run_shell_command", args: { command: "true" } } }];
    gemini.reply(geminiStream({ pieces: [], after }));
    expect((await gemini.fail({ tools })).code).toBe("cli_unexpected_tool");
  });
});
