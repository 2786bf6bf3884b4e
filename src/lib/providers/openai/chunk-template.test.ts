import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChunkTemplate } from "./chunk-template.ts";
import { createChunkRelay, type ChunkRelay } from "./relay-chunk.ts";

type Fields = Record<string, unknown>;
const chunk = (delta: Fields, more: Fields = {}, choice: Fields = {}): string =>
  JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta, finish_reason: null, ...choice }], ...more });
const templateOf = (payload: string, keepsUsage = true) =>
  createChunkTemplate(payload, JSON.parse(payload) as Fields, keepsUsage);

describe("createChunkTemplate", () => {
  it("knows a chunk that differs in its text and its obfuscation alone, and gives it back as it came", () => {
    const template = templateOf(chunk({ content: "one" }, { obfuscation: "abc" }));
    for (const text of ["two", 'with "quotes" and \\', "línea\n\u2028", "x".repeat(10_000)]) {
      const next = chunk({ content: text }, { obfuscation: "z" });
      expect(template?.match(next)).toBe(next);
    }
  });

  it("cuts a null usage out for a client that did not ask for it, before or after the text", () => {
    const cut = (next: string): string => JSON.stringify({ ...JSON.parse(next), usage: undefined });
    const after = templateOf(chunk({ content: "one" }, { usage: null, obfuscation: "abc" }), false);
    const next = chunk({ content: 'say ,"usage":null' }, { usage: null, obfuscation: "z" });
    expect(after?.match(next)).toBe(cut(next));
    const before = templateOf(`{"a":1,"usage":null,${chunk({ content: "one" }).slice(1)}`, false);
    expect(before?.match(`{"a":1,"usage":null,${chunk({ content: "two" }).slice(1)}`)).toBe(
      `{"a":1,${chunk({ content: "two" }).slice(1)}`,
    );
  });

  it("follows reasoning and other texts of compatible servers, and either spacing", () => {
    const template = templateOf(chunk({ reasoning_content: "hm" }));
    expect(template?.match(chunk({ reasoning_content: "well" }))).toBe(chunk({ reasoning_content: "well" }));
    const spaced = '{"choices": [{"index": 0, "delta": {"content":"a"}, "finish_reason": null}]}';
    expect(templateOf(spaced)?.match(spaced.replace('"a"', '"b"'))).toBe(spaced.replace('"a"', '"b"'));
  });

  it.each([
    ["another id", chunk({ content: "two" }).replace('"c"', '"d"')],
    ["no text", chunk({ content: "" })],
    ["another member", chunk({ content: "two", role: "assistant" })],
    ["an end", chunk({ content: "two" }, {}, { finish_reason: "stop" })],
    ["another choice", chunk({ content: "two" }, {}, { index: 1 })],
    ["usage", chunk({ content: "two" }, { usage: { prompt_tokens: 1 } })],
    ["an error", chunk({ content: "two" }, { error: { message: "no" } })],
    ["a text that is no JSON: a raw line end", chunk({ content: "two" }).replace("two", "t\nwo")],
    ["a text that is no JSON: a bad escape", chunk({ content: "two" }).replace("two", String.raw`t\xwo`)],
    ["a text that is no JSON: a half escape", chunk({ content: "two" }).replace("two", String.raw`two\u12`)],
    ["a text that ends early", chunk({ content: "two" }).slice(0, -2)],
    ["more after it", `${chunk({ content: "two" })} `],
    ["a second text spliced in", chunk({ content: "two" }).replace("two", 'two","content":"three')],
  ])("does not know a chunk with %s", (_what, next) => {
    expect(templateOf(chunk({ content: "one" }))?.match(next)).toBeUndefined();
  });

  it("leaves very long chunks to the parser, which they cost less and never break", () => {
    const long = chunk({ content: "x".repeat(10_000_000) });
    expect(templateOf(chunk({ content: "one" }))?.match(long)).toBeUndefined();
    expect(templateOf(long)).toBeUndefined();
  });

  it("is not led astray by a name of punctuation", () => {
    const made = '{"a":["x",":"],"choices":[{"index":0,"delta":{"\\u002c":"],"},"finish_reason":null}]}';
    expect(templateOf(made)).toBeUndefined();
  });

  it.each([
    ["several choices", JSON.stringify({ choices: [{ delta: { content: "a" } }, { delta: { content: "b" } }] })],
    ["an end", chunk({ content: "a" }, {}, { finish_reason: "stop" })],
    ["usage", chunk({ content: "a" }, { usage: { prompt_tokens: 1 } })],
    ["no text", chunk({ tool_calls: [{ index: 0, function: { arguments: "{" } }] })],
    ["a name that stands there twice", chunk({ content: "a" }, { x: { content: "a" } })],
    ["a name spelled with escapes", chunk({ content: "a" }).replace('"content"', String.raw`"\u0063ontent"`)],
  ])("makes none of a chunk with %s", (_what, payload) => {
    expect(templateOf(payload)).toBeUndefined();
  });

  it("makes none where a null usage cannot be told from a member of that name elsewhere", () => {
    expect(templateOf(chunk({ content: "a" }, { usage: null, x: { usage: null } }), false)).toBeUndefined();
  });
});

describe("a relay with templates", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("", '","', ',"usage":null', "\\", "\n", "content"),
  );
  const delta = fc.oneof(
    { weight: 8, arbitrary: fc.record({ content: text }) },
    fc.record({ reasoning: text, content: text }),
    fc.constant({ tool_calls: [{ index: 0 }] }),
  );
  const more = fc.record(
    {
      usage: fc.constantFrom(null, null, null, { prompt_tokens: 1, completion_tokens: 2 }),
      obfuscation: text,
      error: fc.constantFrom(null, { message: "no" }),
    },
    { requiredKeys: [] },
  );
  const whole = fc.tuple(delta, more).map(([said, others]) => chunk(said, others));
  const broken = fc.tuple(whole, fc.nat()).map(([payload, cut]) => payload.slice(0, cut % payload.length));

  /** What a relay makes of a payload. */
  function outcome(relay: ChunkRelay, payload: string): unknown {
    try {
      return [relay.push(payload), relay.broughtOutput];
    } catch (thrown) {
      return thrown;
    }
  }

  it("sees and forwards the same as one that parses every chunk", () => {
    const payloads = fc.array(fc.oneof({ weight: 9, arbitrary: whole }, broken), { maxLength: 30, size: "max" });
    fc.assert(
      fc.property(payloads, fc.boolean(), (sent, includeUsage) => {
        const options = { includeUsage, choices: 1 };
        const relay = createChunkRelay(options);
        const seen = sent.map((payload) => outcome(relay, payload));
        expect(seen).toEqual(sent.map((payload) => outcome(createChunkRelay(options), payload)));
      }),
      { numRuns: 300 },
    );
  });
});
