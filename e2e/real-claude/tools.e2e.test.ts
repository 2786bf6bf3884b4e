import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import type { ChatMessage, ChatRequest, ChatTool } from "../../src/lib/openai/chat.ts";
import type { CliOutcome } from "../../src/lib/cli/types.ts";
import { conversationOf, programOf, startRealClaude, streamed, type RealClaude } from "./harness.ts";
import { calling } from "./tool-calls.ts";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the weather",
    parameters: {
      type: "object",
      properties: { city: { $ref: "#/$defs/City" } },
      required: ["city"],
      additionalProperties: false,
      $defs: { City: { type: "string" } },
    },
  },
} as const satisfies ChatTool;
const time = { type: "function", function: { name: "time.now/v1" } } as const satisfies ChatTool;

interface ToolAnswer {
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly outcome: CliOutcome;
}

describe.each(CLAUDE_VERSIONS)("a client's tools through claude %s", (version) => {
  const program = programOf(version);
  let claude: RealClaude;

  beforeEach(async () => {
    claude = await startRealClaude(program ?? "");
  });
  afterEach(() => claude.close());

  async function askWithTools(request: Partial<ChatRequest>): Promise<ToolAnswer> {
    const calls: { id: string; name: string; arguments: string }[] = [];
    const { text, outcome } = await claude.ask({ tools: [weather, time], ...request }, {}, undefined, (delta) => {
      for (const { index, id, function: called } of delta.tool_calls ?? []) {
        calls[index] ??= { id: id ?? "", name: called?.name ?? "", arguments: "" };
        calls[index].arguments += called?.arguments ?? "";
      }
    });
    return { text, calls, outcome };
  }

  it.skipIf(program === undefined)(
    "hands a call to the client under its own name, with its usage, and asks the model nothing more",
    async () => {
      claude.reply(
        calling([{ id: "toolu_1", name: "mcp__client__get_weather", input: { city: "Zürich" } }], "Let me see.", 300),
      );
      const { text, calls, outcome } = await askWithTools({});
      expect(text).toBe("Let me see.");
      expect(calls).toEqual([{ id: "toolu_1", name: "get_weather", arguments: '{"city":"Zürich"}' }]);
      expect(outcome).toMatchObject({
        finishReason: "tool_calls",
        usage: { prompt_tokens: 2125, completion_tokens: 50 },
      });
      expect(claude.bodies()).toHaveLength(1);
      expect(claude.executor.running()).toBe(0);
    },
  );

  it.skipIf(program === undefined)("hands several parallel calls to the client", async () => {
    claude.reply(
      calling([
        { id: "toolu_1", name: "mcp__client__get_weather", input: { city: "Bern" } },
        { id: "toolu_2", name: "mcp__client__time_now_v1", input: {} },
        { id: "toolu_3", name: "mcp__client__get_weather", input: { city: "Basel" } },
      ]),
    );
    const { calls } = await askWithTools({});
    expect(calls).toEqual([
      { id: "toolu_1", name: "get_weather", arguments: '{"city":"Bern"}' },
      { id: "toolu_2", name: "time.now/v1", arguments: "{}" },
      { id: "toolu_3", name: "get_weather", arguments: '{"city":"Basel"}' },
    ]);
  });

  it.skipIf(program === undefined).each(["end_turn", "stop_sequence", "pause_turn"])(
    "hands a call to the client though the model says that it stopped by %s",
    async (stopReason) => {
      claude.reply(calling([{ id: "toolu_1", name: "mcp__client__get_weather", input: {} }], "", 100, stopReason));
      const { calls, outcome } = await askWithTools({});
      expect(calls).toEqual([{ id: "toolu_1", name: "get_weather", arguments: "{}" }]);
      expect(outcome.finishReason).toBe("tool_calls");
      expect(claude.bodies()).toHaveLength(1);
    },
  );

  it.skipIf(program === undefined).each([
    ["properties of null", { properties: null }],
    ["required of null", { required: null }],
    ["a property that may be anything", { properties: { x: true } }],
  ])("offers a tool whose schema has %s, for which the CLI would drop all tools", async (_what, parts) => {
    const parameters = { type: "object", ...parts };
    await askWithTools({ tools: [weather, { type: "function", function: { name: "odd", parameters } }] });
    expect(claude.bodies()[0]?.tools).toHaveLength(2);
  });

  it.skipIf(program === undefined)("gives the model the client's tools with their schemas, and no others", async () => {
    const long = "word ".repeat(1000);
    await askWithTools({
      tools: [weather, time, { type: "function", function: { name: "long", description: long } }],
    });
    const tools = (claude.bodies()[0]?.tools ?? []) as { name: string; description?: string; input_schema: unknown }[];
    expect(tools.map(({ name }) => name).toSorted()).toEqual([
      "mcp__client__get_weather",
      "mcp__client__long",
      "mcp__client__time_now_v1",
    ]);
    const sent = tools.find(({ name }) => name.endsWith("get_weather"));
    expect(sent).toMatchObject({ description: "Get the weather", input_schema: weather.function.parameters });
    const words = JSON.stringify(tools.find(({ name }) => name.endsWith("long"))).match(/word/g);
    expect(words).toHaveLength(1000);
  });

  it.skipIf(program === undefined).each([
    ["auto", undefined],
    ["required", { type: "any" }],
    ["none", { type: "none" }],
    [
      { type: "function", function: { name: "time.now/v1" } },
      { type: "tool", name: "mcp__client__time_now_v1" },
    ],
  ])("carries the choice %j", async (choice, expected) => {
    await askWithTools({ tool_choice: choice as ChatRequest["tool_choice"] });
    expect(claude.bodies()[0]?.["tool_choice"]).toEqual(expected);
  });

  it.skipIf(program === undefined)("carries the wish for one call at a time", async () => {
    await askWithTools({ parallel_tool_calls: false });
    expect(claude.bodies()[0]?.["tool_choice"]).toEqual({ type: "auto", disable_parallel_tool_use: true });
  });

  it.skipIf(program === undefined)(
    "replays several rounds with their ids, results and errors, and adds nothing to them",
    async () => {
      const messages: ChatMessage[] = [{ role: "user", content: "Weather everywhere?" }];
      const expected: unknown[] = [{ role: "user", content: [{ type: "text", text: "Weather everywhere?" }] }];
      for (let round = 1; round <= 20; round += 1) {
        const id = `toolu_${round}`;
        const city = { city: `City ${round}` };
        messages.push(
          {
            role: "assistant",
            tool_calls: [{ id, type: "function", function: { name: "get_weather", arguments: JSON.stringify(city) } }],
          },
          { role: "tool", tool_call_id: id, content: `sunny ${round}` },
        );
        expected.push(
          { role: "assistant", content: [{ type: "tool_use", id, name: "mcp__client__get_weather", input: city }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: `sunny ${round}` }] },
        );
      }
      claude.reply(streamed());
      const { text, outcome } = await askWithTools({ messages });
      expect(text).toBe("Hello there!");
      expect(outcome.finishReason).toBe("stop");
      expect(conversationOf(claude.bodies()[0])).toMatchObject(expected);
    },
  );

  it.skipIf(program === undefined)(
    "ends the run where the model calls a tool that the client does not have",
    async () => {
      claude.reply(calling([{ id: "toolu_1", name: "Bash", input: { command: "id" } }], "", 300));
      const error = await claude.fail({ tools: [weather] });
      expect(error.code).toBe("cli_unexpected_tool");
      expect(claude.bodies()).toHaveLength(1);
    },
  );
});
