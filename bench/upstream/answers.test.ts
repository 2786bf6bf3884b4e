import { describe, expect, it } from "vitest";
import { stampedChunk, streamEnd, wholeAnswer } from "./answers.ts";

const payloadsOf = (frames: string): unknown[] =>
  [...frames.matchAll(/^data: (.*)$/gm)].map(([, payload = ""]) =>
    payload === "[DONE]" ? payload : JSON.parse(payload),
  );

describe("the mock upstream's answers", () => {
  it("have the sizes of OpenAI's: about 550 bytes whole, about 310 a chunk", () => {
    const body = wholeAnswer.toString().split("\r\n\r\n")[1] ?? "";
    expect(JSON.parse(body)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
    expect(body.length).toBeGreaterThan(500);
    expect(body.length).toBeLessThan(650);
    expect(stampedChunk(1n, false).length).toBeGreaterThan(290);
    expect(stampedChunk(1n, false).length).toBeLessThan(350);
  });

  it("frame each chunk with its length in hexadecimal", () => {
    const [, size = "", data = ""] = /^([0-9a-f]+)\r\n([^]*)\r\n$/.exec(stampedChunk(1n, true)) ?? [];
    expect(Number.parseInt(size, 16)).toBe(data.length);
    expect(payloadsOf(data)).toMatchObject([{ choices: [{ delta: { role: "assistant" } }] }]);
  });

  it("send usage only where it was asked for", () => {
    expect(payloadsOf(streamEnd(true))).toHaveLength(3);
    expect(payloadsOf(streamEnd(false))).toHaveLength(2);
    expect(payloadsOf(streamEnd(false)).at(-1)).toBe("[DONE]");
  });
});
