import { describe, expect, it } from "vitest";
import { hasOutput } from "./chunk-output.ts";

describe("hasOutput", () => {
  it.each([
    { content: "a" },
    { role: "assistant", content: " " },
    { reasoning_content: "a" },
    { reasoning: "a" },
    { refusal: "a" },
    { tool_calls: [{ index: 0, function: { arguments: "" } }] },
    { function_call: { name: "f" } },
    { audio: { data: "x" } },
  ])("%j is output", (delta) => expect(hasOutput(delta)).toBe(true));

  it.each([
    undefined,
    null,
    "text",
    {},
    { role: "assistant", content: "", refusal: null },
    { content: null, reasoning_content: "", tool_calls: [], function_call: {} },
  ])("%j is none", (delta) => expect(hasOutput(delta)).toBe(false));
});
