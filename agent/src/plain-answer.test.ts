import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MESSAGE_STATUSES, postAnswerSchema } from "../../src/lib/agent/types.ts";
import { isPlainAnswer } from "./plain-answer.ts";

const odd = fc.oneof(fc.constantFrom(0, -1, 1.5, 2 ** 53, null, true, "", [], {}, "x".repeat(129)), fc.string());
const mostly = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: value }, { weight: 1, arbitrary: odd });
const count = mostly(fc.nat());
const result = fc.record(
  {
    requestId: mostly(fc.string({ minLength: 1, maxLength: 128 })),
    status: mostly(fc.constantFrom(...MESSAGE_STATUSES)),
    ackedSeq: count,
    retryAfterMs: count,
    unknown: odd,
  },
  { requiredKeys: ["requestId", "status", "ackedSeq"] },
);
const cancel = fc.constant({ requestId: "r1", reason: "timeout" });
const answer = mostly(
  fc.record({
    results: mostly(fc.array(mostly(result), { maxLength: 3 })),
    cancels: mostly(fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(cancel, { maxLength: 2 }))),
  }),
);

describe("isPlainAnswer", () => {
  it("says so of an answer without cancels", () => {
    expect(isPlainAnswer({ results: [{ requestId: "r1", status: "committed", ackedSeq: 3 }], cancels: [] })).toBe(true);
    expect(isPlainAnswer({ results: [], cancels: [{ requestId: "r1", reason: "timeout" }] })).toBe(false);
  });

  it("never says so where the schema would refuse the value or answer another", () => {
    let plain = 0;
    fc.assert(
      fc.property(answer, (value) => {
        const sent: unknown = JSON.parse(JSON.stringify(value));
        if (!isPlainAnswer(sent)) return;
        plain += 1;
        expect(postAnswerSchema.parse(sent)).toEqual(sent);
      }),
      { numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(200);
  });
});
