import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import { DeltaBuffer, deltaTextLength, mergeDeltas, splitDelta } from "./delta-buffer.ts";

/** What a reader of the stream puts together. */
function collect(deltas: readonly ChatDelta[]): Record<string, string> {
  const result: Record<string, string> = {};
  const add = (key: string, text: string | null | undefined): void => {
    if (text) result[key] = (result[key] ?? "") + text;
  };
  for (const delta of deltas) {
    add("content", delta.content);
    add("reasoning", delta.reasoning_content);
    add("refusal", delta.refusal);
    add("signature", delta.reasoning_signature);
    for (const call of delta.tool_calls ?? []) {
      add(`id${call.index}`, call.id);
      add(`name${call.index}`, call.function?.name);
      add(`arguments${call.index}`, call.function?.arguments);
    }
  }
  return result;
}

const textDelta = fc.oneof(
  fc.record({ content: fc.string({ unit: "grapheme" }) }),
  fc.record({ reasoning_content: fc.string() }),
  fc.record({ content: fc.string(), reasoning_content: fc.string() }),
  fc.record({ refusal: fc.string() }),
  fc.record({
    tool_calls: fc.array(
      fc.record({ index: fc.nat(2), function: fc.record({ arguments: fc.string() }) }, { requiredKeys: ["index"] }),
      { maxLength: 3 },
    ),
  }),
);

describe("mergeDeltas", () => {
  it("joins content with content and reasoning with reasoning", () => {
    expect(mergeDeltas({ content: "a" }, { content: "b" })).toEqual({ content: "ab" });
    expect(mergeDeltas({ reasoning_content: "a" }, { reasoning_content: "b" })).toEqual({ reasoning_content: "ab" });
  });

  it("joins further arguments of the same tool call and keeps its id and name", () => {
    const first = {
      tool_calls: [{ index: 1, id: "x", type: "function" as const, function: { name: "f", arguments: "{" } }],
    };
    const more = { tool_calls: [{ index: 1, function: { arguments: "}" } }] };
    expect(mergeDeltas(first, more)).toEqual({
      tool_calls: [{ index: 1, id: "x", type: "function", function: { name: "f", arguments: "{}" } }],
    });
  });

  it("leaves apart what is of another kind, another call, or carries more than text", () => {
    expect(mergeDeltas({ content: "a" }, { reasoning_content: "b" })).toBeNull();
    expect(mergeDeltas({ content: "a" }, { content: null })).toBeNull();
    expect(mergeDeltas({ content: "a", role: "assistant" }, { content: "b" })).toBeNull();
    expect(mergeDeltas({ reasoning_signature: "a" }, { reasoning_signature: "b" })).toBeNull();
    const call = (index: number, id?: string): ChatDelta => ({
      tool_calls: [{ index, ...(id !== undefined && { id }), function: { arguments: "x" } }],
    });
    expect(mergeDeltas(call(0), call(1))).toBeNull();
    expect(mergeDeltas(call(0), call(0, "second"))).toBeNull();
  });
});

describe("splitDelta", () => {
  it("never cuts between the halves of a surrogate pair", () => {
    const pieces = splitDelta({ content: "ab😀cd" }, 3).map((delta) => delta.content);
    expect(pieces).toEqual(["ab", "😀c", "d"]);
  });

  it("keeps ids, names and unknown fields on the first piece only", () => {
    const delta = {
      role: "assistant",
      tool_calls: [{ index: 0, id: "x", function: { name: "f", arguments: "12345" } }],
    };
    expect(splitDelta(delta, 4)).toEqual([
      { role: "assistant", tool_calls: [{ index: 0, id: "x", function: { name: "f", arguments: "1234" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "5" } }] },
    ]);
  });
});

describe("DeltaBuffer", () => {
  it("gives back the same texts, in chunks within the bound, whatever goes in", () => {
    fc.assert(
      fc.property(fc.array(textDelta, { maxLength: 40 }), fc.integer({ min: 2, max: 300 }), (deltas, maxText) => {
        const buffer = new DeltaBuffer(maxText);
        for (const delta of deltas) buffer.push(delta);
        const out: ChatDelta[] = [];
        while (!buffer.isEmpty) {
          const chunk = buffer.takeChunk();
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.reduce((sum, delta) => sum + deltaTextLength(delta), 0)).toBeLessThanOrEqual(maxText);
          out.push(...chunk);
        }
        expect(collect(out)).toEqual(collect(deltas));
        expect(buffer.bytes).toBe(0);
      }),
    );
  });

  it("holds a thousand neighbouring texts as one delta", () => {
    const buffer = new DeltaBuffer(256 * 1024);
    for (let index = 0; index < 1000; index += 1) buffer.push({ content: "x" });
    expect(buffer.takeChunk()).toEqual([{ content: "x".repeat(1000) }]);
  });
});
