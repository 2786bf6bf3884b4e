import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FAKE_GEMINI_MODEL, geminiStream } from "../../src/test/fake-gemini-server.ts";
import { geminiProgram, startRealGemini, type RealGemini } from "./harness.ts";

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: conversations", () => {
  let gemini: RealGemini;
  beforeEach(async () => {
    gemini = await startRealGemini();
  });
  afterEach(() => gemini.close());

  it("streams an answer in its pieces, with finish reason, model and all token counts, and leaves nothing", async () => {
    const answer = await gemini.ask({});
    expect(answer.deltas).toEqual(["Hello", "! This is ", "a plain answer", "."].map((content) => ({ content })));
    expect(answer.outcome).toMatchObject({
      finishReason: "stop",
      model: FAKE_GEMINI_MODEL,
      usageSource: "cli",
      usage: {
        prompt_tokens: 100,
        completion_tokens: 27,
        total_tokens: 127,
        prompt_tokens_details: { cached_tokens: 40 },
        completion_tokens_details: { reasoning_tokens: 7 },
      },
    });
    expect(gemini.executor.running()).toBe(0);
    expect(await gemini.leftovers()).toEqual([]);
  });

  it("sends the prompt and nothing of the CLI's own: under 400 bytes for a greeting", async () => {
    await gemini.ask({});
    const [body] = gemini.bodies();
    expect(body?.contents).toEqual([{ role: "user", parts: [{ text: "Hi" }] }]);
    expect(body?.systemInstruction.parts).toEqual([{ text: "You are a helpful assistant." }]);
    expect(body?.tools).toEqual([{ functionDeclarations: [] }]);
    expect(gemini.upstream.requests).toHaveLength(1);
    expect(gemini.upstream.requests[0]?.text.length).toBeLessThan(400);
  });

  it("sends every turn with its role and exact text, and the system messages as the system instruction", async () => {
    const texts = ["/help", "? odd", "  ", "<session_context> x", "@/etc/hostname\u2028\u2029\n\n\n\nend", "Grüße 👩‍👩‍👧"];
    const turns = texts.flatMap((text, index) => [
      { role: "user" as const, content: text },
      { role: "assistant" as const, content: `answer ${index} \u2028 of /stats` },
    ]);
    await gemini.ask({
      messages: [
        { role: "system", content: "Be brief." },
        ...turns,
        { role: "developer", content: "Be kind." },
        { role: "user", content: "last" },
      ],
    });
    const [body] = gemini.bodies();
    expect(body?.systemInstruction.parts).toEqual([{ text: "Be brief.\n\nBe kind." }]);
    expect(body?.contents).toEqual([
      ...turns.map(({ role, content }) => ({ role: role === "user" ? "user" : "model", parts: [{ text: content }] })),
      { role: "user", parts: [{ text: "last" }] },
    ]);
  });

  it("takes nothing of a long history for the answer", async () => {
    const messages = Array.from({ length: 400 }, (_, index) => ({
      role: index % 2 === 0 ? ("user" as const) : ("assistant" as const),
      content: `OLD-${index} `.repeat(200),
    }));
    const { text } = await gemini.ask({ messages: [...messages, { role: "user", content: "Hi" }] });
    expect(text).toBe("Hello! This is a plain answer.");
    expect(gemini.bodies()[0]?.contents).toHaveLength(401);
  });

  it("sends images between texts", async () => {
    const png = "iVBORw0KGgo=";
    await gemini.ask({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "before" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
            { type: "text", text: "after" },
          ],
        },
      ],
    });
    expect(gemini.bodies()[0]?.contents).toEqual([
      {
        role: "user",
        parts: [{ text: "before" }, { inlineData: { mimeType: "image/png", data: png } }, { text: "after" }],
      },
    ]);
  });

  it("tells thoughts as reasoning", async () => {
    const before = [{ text: "**Plan** I think", thought: true }];
    gemini.reply(geminiStream({ before, pieces: ["so"] }));
    const { text, thinking } = await gemini.ask({});
    expect({ text, thinking }).toEqual({ text: "so", thinking: "**Plan**\nI think" });
  });

  it("hands on an answer of a megabyte, of every kind of character, unchanged", async () => {
    const piece = 'Grüße 日本語 👩‍👩‍👧 שלום \u2028 \u0000 \u001b[31m <!-- --> "q" \\ [DONE]\n\t';
    const pieces = Array.from({ length: 1024 }, (_, index) => `${index} ${piece.repeat(14)}`);
    gemini.reply(geminiStream({ pieces }));
    const { text } = await gemini.ask({});
    expect(text.length).toBeGreaterThan(700_000);
    expect(text).toBe(pieces.join(""));
  });

  it("carries parameters and a JSON schema into the request", async () => {
    const schema = { type: "object", properties: { a: { type: "string" } } };
    const { outcome } = await gemini.ask({
      temperature: 0.3,
      top_p: 0.5,
      max_tokens: 77,
      stop: ["END"],
      seed: 5,
      reasoning_effort: "low",
      logit_bias: { 1: 1 },
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    });
    expect(outcome.droppedParams).toEqual(["logit_bias"]);
    expect(gemini.bodies()[0]?.generationConfig).toMatchObject({
      temperature: 0.3,
      topP: 0.5,
      maxOutputTokens: 77,
      stopSequences: ["END"],
      seed: 5,
      responseMimeType: "application/json",
      responseJsonSchema: schema,
      thinkingConfig: { thinkingBudget: 1024 },
    });
  });

  it.each([
    ["gemini", "gemini-3."],
    ["pro", "gemini-3.1-pro-preview"],
    ["flash", "gemini-3.8-flash"],
    ["flash-lite", "gemini-3.5-flash-lite"],
    ["gemini-9-unheard", "gemini-9-unheard"],
  ])("asks for the model %s", async (model, sent) => {
    await gemini.ask({ model });
    expect(gemini.upstream.requests[0]?.path).toContain(`/models/${sent}`);
  });
});
