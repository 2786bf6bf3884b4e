import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatMessage } from "../../src/lib/openai/chat.ts";
import { respond } from "../../src/test/fake-responses-server.ts";
import { codexProgram, conversationOf, startRealCodex, toolsOf, type RealCodex } from "./harness.ts";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const input = (role: string, text: string) => ({ type: "message", role, content: [{ type: "input_text", text }] });
const output = (text: string) => ({ type: "message", role: "assistant", content: [{ type: "output_text", text }] });

describe.skipIf(codexProgram() === undefined)("a conversation with codex", () => {
  let codex: RealCodex;
  beforeEach(async () => {
    codex = await startRealCodex();
  });
  afterEach(() => codex.close());

  it("is ready with a login, lists the CLI's models, and asks no upstream for that", async () => {
    expect(await codex.executor.probe()).toEqual({ name: "codex", version: "0.169.0", ready: true, reason: null });
    expect(codex.executor.models()).toEqual(expect.arrayContaining(["codex", "gpt-5.5", "*"]));
    expect(codex.upstream.requests).toEqual([]);
    expect(codex.executor.running()).toBe(0);
  });

  it("streams the answer as it comes, with its usage, and sends next to nothing beside the prompt", async () => {
    codex.reply(respond({ pieces: ["Hel", "lo ", "you"], pieceDelayMs: 60 }));
    const times: number[] = [];
    const answer = await codex.ask({ seed: 1, temperature: 0.2, top_p: 1, max_tokens: 5 }, {}, () => {
      times.push(performance.now());
    });
    expect(answer.text).toBe("Hello you");
    expect(times).toHaveLength(3);
    expect(times[2]! - times[0]!).toBeGreaterThan(80);
    expect(answer.outcome).toMatchObject({
      finishReason: "stop",
      model: "gpt-6.1-sol",
      usageSource: "cli",
      usage: {
        prompt_tokens: 1200,
        completion_tokens: 42,
        total_tokens: 1242,
        prompt_tokens_details: { cached_tokens: 1000 },
        completion_tokens_details: { reasoning_tokens: 10 },
      },
    });
    expect([...answer.outcome.droppedParams].toSorted()).toEqual(["max_tokens", "seed", "temperature"]);
    expect(conversationOf(codex.bodies()[0])).toEqual([input("user", "Hi")]);
    const request = codex.upstream.requests[0];
    // Ids and the version of the CLI's own are most of it; its default request has 45 KB.
    expect(request?.text.length).toBeLessThan(2100);
    expect(request?.headers.authorization).toBe("Bearer sk-fake-key-of-the-tests");
  });

  it("keeps every role and place of a long conversation", async () => {
    const messages: ChatMessage[] = [
      { role: "system", content: "be brief" },
      { role: "user", content: "one" },
      { role: "assistant", content: "first" },
      { role: "developer", content: "now in French" },
      { role: "user", content: [{ type: "text", text: "two" }] },
      { role: "assistant", content: null, refusal: "no" },
      { role: "user", content: "three" },
    ];
    await codex.ask({ messages });
    expect(conversationOf(codex.bodies()[0])).toEqual([
      input("developer", "be brief"),
      input("user", "one"),
      output("first"),
      input("developer", "now in French"),
      input("user", "two"),
      output("no"),
      input("user", "three"),
    ]);
  });

  it("carries any text both ways unchanged", async () => {
    const text = 'Grüße 👩‍👩‍👧 日本語 é\u2028\u2029"\\\t\r\n\u0001\ufeff $foo @file /clear <x>';
    codex.reply(respond({ pieces: Array.from(text) }));
    const answer = await codex.ask({ messages: [{ role: "user", content: text }] });
    expect(answer.text).toBe(text);
    expect(conversationOf(codex.bodies()[0])).toEqual([input("user", text)]);
  });

  it("is answered where texts, names and keys have half a surrogate pair, which is replaced", async () => {
    const half = "a\ud83d";
    const call = { id: half, type: "function" as const, function: { name: "f", arguments: `{"${half}":"${half}"}` } };
    const parameters = { type: "object", properties: { [half]: { type: "string", description: half, enum: [half] } } };
    await codex.ask({
      tools: [{ type: "function", function: { name: "f", description: half, parameters } }],
      messages: [
        { role: "system", content: half },
        { role: "user", content: [{ type: "text", text: half }] },
        { role: "assistant", content: half, tool_calls: [call] },
        { role: "tool", tool_call_id: half, content: half },
      ],
    });
    const [body] = codex.bodies();
    const whole = "a\ufffd";
    expect(conversationOf(body)).toEqual([
      input("developer", whole),
      input("user", whole),
      output(whole),
      { type: "function_call", call_id: whole, name: "f", arguments: `{"${whole}":"${whole}"}` },
      { type: "function_call_output", call_id: whole, output: whole },
    ]);
    expect(toolsOf(body)[0]).toMatchObject({ description: whole, parameters: { properties: { [whole]: {} } } });
  });

  it("is answered with schemas as deep as they may be", async () => {
    const nest = (levels: number): Record<string, unknown> =>
      Array.from({ length: levels - 1 }).reduce<Record<string, unknown>>((inner) => ({ type: "array", items: inner }), {
        type: "string",
      });
    const tools = [{ type: "function" as const, function: { name: "f", parameters: nest(97) } }];
    expect((await codex.ask({ tools })).text).toBe("Hello there!");
    const json_schema = { name: "deep", schema: nest(98), strict: true };
    const response_format = { type: "json_schema" as const, json_schema };
    expect((await codex.ask({ response_format })).text).toBe("Hello there!");
  });

  it("sends images of every user message", async () => {
    const image = { type: "image_url" as const, image_url: { url: PIXEL } };
    await codex.ask({
      model: "gpt-5.5",
      messages: [
        { role: "user", content: [{ type: "text", text: "first" }, image] },
        { role: "assistant", content: "ok" },
        { role: "user", content: [image, { type: "text", text: "second" }] },
      ],
    });
    // The CLI asks for all of an image's detail by itself.
    const sent = { type: "input_image", image_url: PIXEL, detail: "original" };
    expect(conversationOf(codex.bodies()[0])).toEqual([
      { type: "message", role: "user", content: [{ type: "input_text", text: "first" }, sent] },
      output("ok"),
      { type: "message", role: "user", content: [sent, { type: "input_text", text: "second" }] },
    ]);
  });

  it("asks for the model, effort, verbosity and schema of the request", async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    codex.reply(respond({ pieces: ['{"city":', '"Bern"}'] }));
    const answer = await codex.ask({
      model: "gpt-5.5",
      reasoning_effort: "high",
      verbosity: "low",
      response_format: { type: "json_schema", json_schema: { name: "place", schema, strict: true } },
    });
    expect(JSON.parse(answer.text)).toEqual({ city: "Bern" });
    expect(answer.outcome.model).toBe("gpt-5.5");
    expect(answer.outcome.droppedParams).toEqual([]);
    expect(codex.bodies()[0]).toMatchObject({
      model: "gpt-5.5",
      reasoning: { effort: "high" },
      text: { verbosity: "low", format: { type: "json_schema", strict: true, schema } },
    });
  });

  it("takes models that the CLI does not know, with the same bare request", async () => {
    const answer = await codex.ask({ model: "gpt-of-tomorrow" });
    expect(answer.text).toBe("Hello there!");
    expect(codex.bodies()[0]).toMatchObject({ model: "gpt-of-tomorrow", tools: [] });
    expect(conversationOf(codex.bodies()[0])).toEqual([input("user", "Hi")]);
  });

  it("gives the reasoning's summary apart from the answer", async () => {
    codex.reply(respond({ thoughts: ["think", "ing"], pieces: ["done"] }));
    const answer = await codex.ask({});
    expect(answer).toMatchObject({ thinking: "thinking", text: "done" });
  });

  it("ends at a stop text, wherever its pieces are cut, and closes the upstream", async () => {
    codex.reply(respond({ pieces: ["one E", "N", "D two", " three"], pieceDelayMs: 100 }));
    const answer = await codex.ask({ stop: ["END"] });
    expect(answer.text).toBe("one ");
    expect(answer.outcome.finishReason).toBe("stop");
    expect(await codex.upstream.requests[0]?.closed).toBe("cut");
  });

  it("has the usage of an answer that ends with a stop text, where the upstream's end is as quick as the interrupt", async () => {
    codex.reply(respond({ pieces: ["one END"] }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => codex.ask({ stop: ["END"] })));
    const known = answers.flatMap(({ outcome }) => outcome.usage ?? []);
    // Which of the two is quicker is a race, that the upstream wins nearly always here.
    expect(known.length).toBeGreaterThan(0);
    expect(known.every((usage) => usage.total_tokens === 1242)).toBe(true);
    expect(answers.every(({ text, outcome }) => text === "one " && outcome.finishReason === "stop")).toBe(true);
  });

  it("neither cuts nor summarises a conversation, however long, whatever its owner set", async () => {
    const small = await startRealCodex({
      config: `openai_base_url = "BASE_URL"\nmodel_context_window = 2000\nmodel_auto_compact_token_limit = 500\ntool_output_token_limit = 10\n`,
    });
    try {
      const text = "word ".repeat(100_000);
      const call = { id: "c1", type: "function" as const, function: { name: "f", arguments: "{}" } };
      await small.ask({
        messages: [
          { role: "user", content: text },
          { role: "assistant", tool_calls: [call] },
          { role: "tool", tool_call_id: "c1", content: text },
          { role: "user", content: "go on" },
        ],
      });
      expect(small.upstream.requests).toHaveLength(1);
      expect(conversationOf(small.bodies()[0])).toEqual([
        input("user", text),
        { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: text },
        input("user", "go on"),
      ]);
    } finally {
      await small.close();
    }
  });
});
