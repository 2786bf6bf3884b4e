import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import type { ChatMessage } from "../../src/lib/openai/chat.ts";
import { anthropicEvents, anthropicFrames, type CannedMessage } from "../../src/test/fake-anthropic-server.ts";
import type { ScriptedReply } from "../../src/test/fake-scripted-server.ts";
import { conversationOf, programOf, startRealClaude, streamed, type RealClaude } from "./harness.ts";

/** A black square of 8 by 8. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC";

/** The bytes that a one-word request may cost, with the CLI's own additions. */
const MAX_BODY_BYTES: Readonly<Record<string, number>> = { "2.1.329": 2300, "2.1.197": 1500 };

/** Leaves time between the stop reason and the end of the stream, at which the CLI would ask on. */
function endingSlowly(message: CannedMessage): ScriptedReply {
  const frames = anthropicFrames(anthropicEvents({ model: "claude-opus-5-5", ...message }));
  return { steps: [...frames.slice(0, -1), { delayMs: 1000 }, ...frames.slice(-1)] };
}

describe.each(CLAUDE_VERSIONS)("a conversation through claude %s", (version) => {
  const program = programOf(version);
  let claude: RealClaude;

  beforeEach(async () => {
    claude = await startRealClaude(program ?? "");
  });
  afterEach(() => claude.close());

  it.skipIf(program === undefined)("streams the answer with its usage, finish reason and model", async () => {
    const { text, outcome } = await claude.ask({ messages: [{ role: "user", content: "hi" }] });
    expect(text).toBe("Hello there!");
    expect(outcome).toMatchObject({
      finishReason: "stop",
      model: "claude-opus-5-5",
      usageSource: "cli",
      usage: {
        prompt_tokens: 2125,
        completion_tokens: 9,
        total_tokens: 2134,
        prompt_tokens_details: { cached_tokens: 2000, cache_write_tokens: 100 },
      },
    });
    expect(claude.executor.running()).toBe(0);
  });

  it.skipIf(program === undefined)("sends the least: the caller's system prompt, no tools, few bytes", async () => {
    await claude.ask({
      messages: [
        { role: "system", content: "MARK one" },
        { role: "developer", content: "MARK two" },
        { role: "user", content: "hi" },
      ],
    });
    const [body] = claude.bodies();
    expect(body?.system.at(-1)?.text).toBe("MARK one\n\nMARK two");
    expect(body?.tools).toEqual([]);
    expect(claude.upstream.requests[0]?.text.length).toBeLessThan(MAX_BODY_BYTES[version] ?? 0);
  });

  it.skipIf(program === undefined)(
    "leaves the CLI's own identification alone and adds no prompt of its own without a system prompt",
    async () => {
      await claude.ask({});
      const [body] = claude.bodies();
      expect(body?.system).toHaveLength(2);
      expect(body?.system[0]?.text).toMatch(/^x-anthropic-billing-header/);
      expect(body?.system[1]?.text).toBe("You are a Claude agent, built on Anthropic's Claude Agent SDK.");
    },
  );

  const toolTurns: ChatMessage[] = [
    { role: "user", content: "My name is Ada." },
    { role: "assistant", content: "Nice to meet you." },
    { role: "user", content: "Weather?" },
    {
      role: "assistant",
      content: "Looking.",
      tool_calls: [
        { id: "toolu_a", type: "function", function: { name: "get_weather", arguments: '{"city":"Zürich"}' } },
        { id: "toolu_b", type: "function", function: { name: "get_time", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: "toolu_a", content: "18 °C" },
    { role: "tool", tool_call_id: "toolu_b", content: "noon" },
  ];
  const expectedTurns = [
    { role: "user", content: [{ type: "text", text: "My name is Ada." }] },
    { role: "assistant", content: [{ type: "text", text: "Nice to meet you." }] },
    { role: "user", content: [{ type: "text", text: "Weather?" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "Looking." },
        { type: "tool_use", id: "toolu_a", name: "get_weather", input: { city: "Zürich" } },
        { type: "tool_use", id: "toolu_b", name: "get_time", input: {} },
      ],
    },
    {
      role: "user",
      content: [
        expect.objectContaining({ type: "tool_result", tool_use_id: "toolu_a" }),
        expect.objectContaining({ type: "tool_result", tool_use_id: "toolu_b" }),
      ],
    },
  ];

  it.skipIf(program === undefined)("gives earlier turns as turns, with roles and tool ids", async () => {
    await claude.ask({ messages: toolTurns });
    expect(conversationOf(claude.bodies()[0])).toEqual(expectedTurns);
  });

  it.skipIf(program === undefined)(
    "gives a long conversation exactly, with its system prompt, by the session file",
    async () => {
      const turns = Array.from({ length: 36 }, (_, index): ChatMessage => ({
        role: index % 2 === 0 ? "user" : "assistant",
        content: `turn ${index}`,
      }));
      await claude.ask({ messages: [{ role: "system", content: "MARK" }, ...turns, ...toolTurns] });
      expect(claude.upstream.requests).toHaveLength(1);
      expect(claude.bodies()[0]?.system.at(-1)?.text).toBe("MARK");
      const expected = turns.map(({ role, content }) => ({ role, content: [{ type: "text", text: content }] }));
      expect(conversationOf(claude.bodies()[0])).toEqual([...expected, ...expectedTurns]);
    },
  );

  it.skipIf(program === undefined)("carries images by data: and https: URL", async () => {
    await claude.ask({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is it?" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
            { type: "image_url", image_url: { url: "https://example.com/x.png" } },
          ],
        },
      ],
    });
    const content = conversationOf(claude.bodies()[0])[0]?.content;
    expect(content?.filter((block) => block.type === "image").map((block) => block["source"])).toEqual([
      { type: "base64", media_type: "image/png", data: expect.stringMatching(/^iVBOR/) },
      { type: "url", url: "https://example.com/x.png" },
    ]);
  });

  it.skipIf(program === undefined)("carries the sampling parameters, the schema and the effort", async () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false,
    };
    claude.reply(streamed({ model: "claude-sonnet-4-5" }));
    const { outcome } = await claude.ask({
      model: "claude-sonnet-4-5",
      temperature: 0.5,
      top_p: 0.9,
      stop: ["END"],
      max_tokens: 321,
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    });
    expect(claude.bodies()[0]).toMatchObject({
      model: "claude-sonnet-4-5",
      temperature: 0.5,
      top_p: 0.9,
      stop_sequences: ["END"],
      max_tokens: 321,
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(claude.bodies()[0]).not.toHaveProperty("thinking");
    expect(outcome.droppedParams).toEqual([]);
    await claude.ask({ reasoning_effort: "low" });
    expect(claude.bodies()[1]).toMatchObject({ output_config: { effort: "low" } });
  });

  it.skipIf(program === undefined)("gives the thinking budget to a model that takes one", async () => {
    claude.reply(streamed({ model: "claude-sonnet-4-5" }));
    await claude.ask({ model: "claude-sonnet-4-5", reasoning_effort: "medium", max_tokens: 20_000 });
    expect(claude.bodies()[0]).toMatchObject({
      max_tokens: 20_000,
      thinking: { type: "enabled", budget_tokens: 8192 },
    });
  });

  it.skipIf(program === undefined)("ends at max_tokens after one request", async () => {
    claude.reply(endingSlowly({ pieces: ["cut ", "off"], stopReason: "max_tokens" }));
    const { text, outcome } = await claude.ask({ max_tokens: 77 });
    expect([text, outcome.finishReason, outcome.usage?.completion_tokens]).toEqual(["cut off", "length", 9]);
    expect(claude.bodies().map((body) => body.max_tokens)).toEqual([77]);
  });

  it.skipIf(program === undefined)("ends a refusal after one request with what was said", async () => {
    claude.reply(endingSlowly({ pieces: ["I can"], stopReason: "refusal" }));
    const { text, outcome } = await claude.ask({});
    expect([text, outcome.finishReason]).toEqual(["I can", "content_filter"]);
    expect(claude.upstream.requests).toHaveLength(1);
  });
});
