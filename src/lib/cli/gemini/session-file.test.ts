import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { GeminiContent, GeminiPart } from "./gemini-content.ts";
import { markText, renderSessionFile, splitConversation } from "./session-file.ts";

const user = (...parts: readonly GeminiPart[]): GeminiContent => ({ role: "user", parts });
const LEFT_OUT = { type: "gemini", content: [{ text: "", thought: null }] };

describe("splitConversation", () => {
  it("asks a single prompt after a turn that the CLI leaves out, in the place of its own first turn", () => {
    const split = splitConversation([user({ text: "Hi" })]);
    expect(split).toEqual({ history: [LEFT_OUT], prompt: [{ type: "text", text: "Hi" }] });
  });

  it("puts the earlier turns into the history, in a form that no text of theirs can be left out", () => {
    const { history } = splitConversation([
      user({ text: "/help" }),
      { role: "model", parts: [{ text: "no" }] },
      user({ text: "Hi" }),
    ]);
    expect(history).toEqual([
      { type: "user", content: [{ text: "/help", thought: null }] },
      { type: "gemini", content: [{ text: "no", thought: null }] },
    ]);
  });

  it("takes the sign of a command off the prompt, and no character is lost", () => {
    const text = fc.stringMatching(/^[/$ \n]{0,4}[a-z/$ ]{1,6}$/);
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), (texts) => {
        const { history, prompt } = splitConversation([user(...texts.map((each) => ({ text: each })))]);
        const kept = history.flatMap(({ content }) => content as { text: string }[]).map((part) => part.text);
        const asked = prompt.map((block) => (block.type === "text" ? block.text : ""));
        expect([...kept, ...asked].join("")).toBe(texts.join(""));
        expect(asked.join("").trim()).toMatch(/^(?![/$])|^[/$\s]*$/);
      }),
    );
  });

  it("keeps results of tools in the history, and asks a space after them", () => {
    const result: GeminiPart = { functionResponse: { id: "1", name: "f", response: { output: "x" } } };
    expect(splitConversation([user({ text: "go" }), user(result)])).toEqual({
      history: [
        { type: "user", content: [{ text: "go", thought: null }] },
        { type: "user", content: [result] },
        LEFT_OUT,
      ],
      prompt: [{ type: "text", text: " " }],
    });
    expect(splitConversation([user(result, { text: "and?" })]).prompt).toEqual([{ type: "text", text: "and?" }]);
  });

  it("asks images as they are", () => {
    const inlineData = { mimeType: "image/png", data: "AAAA" };
    const { prompt } = splitConversation([user({ inlineData }, { text: "/what" })]);
    expect(prompt).toEqual([
      { type: "image", ...inlineData },
      { type: "text", text: "/what" },
    ]);
  });
});

describe("renderSessionFile", () => {
  it("writes one line a record, the mark last, with no character that ends a line for some readers", () => {
    const { history } = splitConversation([user({ text: "a\u2028b\u2029c\nd" }), user({ text: "Hi" })]);
    const options = { sessionId: "s-1", timestamp: "2026-01-01T00:00:00.000Z", mark: "m" };
    const text = renderSessionFile(history, options);
    expect(text).not.toMatch(/[\u2028\u2029]/);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { sessionId: "s-1", kind: "main" },
      { type: "user", content: [{ text: "a\u2028b\u2029c\nd" }] },
      { type: "user", content: markText("m") },
    ]);
  });
});
