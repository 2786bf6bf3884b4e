import { describe, expect, it } from "vitest";
import { createChunkRelay } from "./relay-chunk.ts";

const chunk = (fields: Record<string, unknown>) =>
  JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-x", ...fields });
const text = (content: string, more: Record<string, unknown> = {}) =>
  chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more });
const finish = (index: number, reason = "stop") => chunk({ choices: [{ index, delta: {}, finish_reason: reason }] });
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

describe("createChunkRelay", () => {
  it("passes chunks as they came, byte for byte, odd spacing and unknown fields included", () => {
    const relay = createChunkRelay({ includeUsage: true, choices: 1 });
    const odd = ` { "choices" : [{"index":0,"delta":{"content":"a\\u00e9","x":1}}], "made_up" : 1.50 } `;
    expect(relay.push(odd)).toBe(odd);
    const usage = chunk({ choices: [], usage: USAGE });
    expect(relay.push(usage)).toBe(usage);
    expect(relay.usage).toEqual(USAGE);
  });

  it("cuts usage out of every chunk for a client that did not ask for it", () => {
    const relay = createChunkRelay({ includeUsage: false, choices: 1 });
    expect(relay.push(text("a", { usage: null, obfuscation: "z" }))).toBe(text("a", { obfuscation: "z" }));
    expect(relay.push(text("a", { usage: USAGE }))).toBe(text("a"));
    expect(relay.push(chunk({ choices: [], usage: USAGE }))).toBeUndefined();
    expect(relay.usage).toEqual(USAGE);
  });

  it("holds back every chunk without choices, which naive clients trip over, unless usage was asked for", () => {
    const remark = chunk({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
    expect(createChunkRelay({ includeUsage: false, choices: 1 }).push(remark)).toBeUndefined();
    expect(createChunkRelay({ includeUsage: true, choices: 1 }).push(remark)).toBe(remark);
  });

  it("cuts only the chunk's own usage, whatever the text says", () => {
    const relay = createChunkRelay({ includeUsage: false, choices: 1 });
    const tricky = 'say ,"usage":null} and \\",\\"usage\\":null';
    expect(relay.push(text(tricky, { usage: null }))).toBe(text(tricky));
    const nested = chunk({ usage: null, choices: [{ index: 0, delta: {}, x: { a: 1, usage: null } }] });
    expect(JSON.parse(relay.push(nested)!)).toEqual({
      ...JSON.parse(chunk({})),
      choices: [{ index: 0, delta: {}, x: { a: 1, usage: null } }],
    });
  });

  it("makes one line of a payload that came in several", () => {
    const relay = createChunkRelay({ includeUsage: true, choices: 1 });
    const payload = relay.push(JSON.stringify(JSON.parse(text("a\nb")), null, 2));
    expect(payload).not.toContain("\n");
    expect(JSON.parse(payload!)).toEqual(JSON.parse(text("a\nb")));
  });

  it("is finished when every choice has its finish reason", () => {
    const relay = createChunkRelay({ includeUsage: false, choices: 2 });
    expect(relay.finished).toBe(false);
    relay.push(finish(0, "length"));
    expect(relay.finished).toBe(false);
    relay.push(finish(1));
    expect(relay).toMatchObject({ finished: true, finishReason: "length", model: "gpt-x" });
    relay.push(chunk({ choices: [{ index: 2, delta: {}, finish_reason: null }] }));
    expect(relay.finished).toBe(false);
  });

  it("tells output and ends from chunks that only keep the connection alive", () => {
    const relay = createChunkRelay({ includeUsage: true, choices: 1 });
    const brings = (payload: string): boolean => {
      relay.push(payload);
      return relay.broughtOutput;
    };
    expect(brings(chunk({ choices: [] }))).toBe(false);
    expect(brings(chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] }))).toBe(false);
    expect(brings(text("a"))).toBe(true);
    expect(brings(chunk({ choices: [{ index: 0, delta: {}, finish_reason: null }] }))).toBe(false);
    expect(brings(finish(0))).toBe(true);
    expect(brings(finish(0))).toBe(false);
    expect(brings(chunk({ choices: [], usage: USAGE }))).toBe(false);
  });

  it("throws the upstream's error", () => {
    const relay = createChunkRelay({ includeUsage: false, choices: 1 });
    expect(() => relay.push('{"error":{"message":"busy","code":503}}')).toThrow(
      expect.objectContaining({ code: "upstream_overloaded", message: "busy" }),
    );
  });

  it.each(["{", "3", "null", "[]", "{}", '{"choices":{}}', '{"choices":[3]}'])("refuses %s as no chunk", (payload) => {
    const relay = createChunkRelay({ includeUsage: false, choices: 1 });
    expect(() => relay.push(payload)).toThrow(expect.objectContaining({ code: "upstream_invalid_response" }));
  });
});
