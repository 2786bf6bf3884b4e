import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeLine } from "./encode-line.ts";

const halves = fc.string({ unit: fc.constantFrom("\ud83d", "\ude00", "\\", '"', "ud83d", "\n", "a", "\u0001", "é") });

describe("encodeLine", () => {
  it("gives one line of JSON in which every text and key is well formed and else as it was", () => {
    fc.assert(
      fc.property(halves, halves, (key, text) => {
        const line = encodeLine({ params: { [key]: [text] } });
        expect(line.isWellFormed()).toBe(true);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({ params: { [key.toWellFormed()]: [text.toWellFormed()] } });
        expect(/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(line)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
