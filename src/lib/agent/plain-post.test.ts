import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPlainPost } from "./plain-post.ts";
import { agentPostSchema } from "./types.ts";

const accept = { type: "accept", requestId: "r1", seq: 1, attempt: 1 };
const chunk = { type: "chunk", requestId: "r1", seq: 2, deltas: [{ content: "a" }, { reasoning_content: "b" }] };

/** Values at and beyond every border of a field, and of the wrong kind. */
const odd = fc.oneof(
  fc.constantFrom(0, -1, 1.5, 2 ** 53, null, true, "", [], {}, "x".repeat(129)),
  fc.string(),
  fc.integer(),
);
const mostly = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: value }, { weight: 1, arbitrary: odd });
const extra = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom("opened", "refusal", "__proto__", "x", "tool_calls"), odd) },
);
const fields = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc
    .tuple(fc.record(model, { requiredKeys: [] }), fc.record(model), fc.boolean(), extra)
    .map(([some, all, isWhole, more]): unknown => ({ ...(isWhole ? all : some), ...more }));
const count = mostly(fc.integer({ min: 1, max: 9 }));
const id = mostly(fc.string({ minLength: 1, maxLength: 128 }));
const delta = mostly(
  fields({ content: mostly(fc.string({ unit: "binary" })) }).chain((content) =>
    fc.constantFrom(content, { reasoning_content: "r" }, { content: "a", reasoning_content: "r" }, { content: null }),
  ),
);
const message = fc.oneof(
  fields({ type: mostly(fc.constant("accept")), requestId: id, seq: count, attempt: count }),
  fields({
    type: mostly(fc.constant("chunk")),
    requestId: id,
    seq: count,
    deltas: mostly(fc.array(delta, { maxLength: 3 })),
  }),
);
const post = mostly(fc.array(mostly(message), { maxLength: 3 }));

describe("isPlainPost", () => {
  it("says so of what an agent sends most", () => {
    expect(isPlainPost([accept, chunk])).toBe(true);
  });

  it("leaves all else to the schema", () => {
    for (const other of [
      {},
      [],
      accept,
      [{ ...chunk, opened: { model: "m" } }],
      [{ ...chunk, deltas: [{ content: "a", x: 1 }] }],
      [{ ...chunk, deltas: [] }],
      [{ ...accept, x: 1 }],
      [accept, { type: "heartbeat" }],
      Array.from({ length: 1001 }, () => accept),
    ]) {
      expect(isPlainPost(other)).toBe(false);
    }
  });

  it("never says so where the schema would refuse the value or answer another", () => {
    let plain = 0;
    fc.assert(
      fc.property(post, (value) => {
        const sent: unknown = JSON.parse(JSON.stringify(value));
        if (!isPlainPost(sent)) return;
        plain += 1;
        expect(agentPostSchema.parse(sent)).toEqual(sent);
      }),
      { numRuns: 5000 },
    );
    expect(plain).toBeGreaterThan(200);
  });
});
