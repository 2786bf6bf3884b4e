import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStopText } from "./stop-text.ts";

function cut(pieces: readonly string[], stops: readonly string[]): { text: string; isDone: boolean } {
  const stopText = createStopText(stops);
  let text = "";
  for (const piece of pieces) {
    const step = stopText.push(piece);
    text += step.text;
    if (step.isDone) return { text, isDone: true };
  }
  return { text: text + stopText.rest(), isDone: false };
}

const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
const stopTexts = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), {
  maxLength: 3,
});

describe("createStopText", () => {
  it("never gives a stop text or what follows, however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), stopTexts, (pieces, stops) => {
        const whole = pieces.join("");
        const found = stops.map((stop) => whole.indexOf(stop)).filter((index) => index !== -1);
        const { text, isDone } = cut(pieces, stops);
        const isClean = whole.startsWith(text) && (text === whole || stops.every((stop) => !text.includes(stop)));
        expect({ isDone, isClean, isWhole: isDone || text === whole }).toEqual({
          isDone: found.length > 0,
          isClean: true,
          isWhole: true,
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("gives at once what can be no part of a stop text", () => {
    const stopText = createStopText(["END"]);
    expect(stopText.push("one E")).toEqual({ text: "one ", isDone: false });
    expect(stopText.push("x")).toEqual({ text: "Ex", isDone: false });
    expect(stopText.push("EN")).toEqual({ text: "", isDone: false });
    expect(stopText.isHolding()).toBe(true);
    expect(stopText.push("D more")).toEqual({ text: "", isDone: true });
    expect(stopText.push("never")).toEqual({ text: "", isDone: true });
    expect(stopText.rest()).toBe("");
  });

  it("cuts at the same place however the text comes in pieces", () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), stopTexts, (pieces, stops) => {
        expect(cut(pieces, stops)).toEqual(cut([pieces.join("")], stops));
        expect(cut(Array.from(pieces.join("")), stops)).toEqual(cut([pieces.join("")], stops));
      }),
      { numRuns: 2000 },
    );
  });

  it("looks for the greatest stop texts in a long answer in time that grows with the answer only", () => {
    // The worst of texts: all but the last character of every stop text is held back all the time.
    const stops = Array.from({ length: 16 }, (_, index) => `${"a".repeat(255)}${String.fromCharCode(98 + index)}`);
    const stopText = createStopText(stops);
    const startedAt = performance.now();
    let given = 0;
    for (let count = 0; count < 1024 * 1024; count += 1) given += stopText.push("a").text.length;
    expect(given + stopText.rest().length).toBe(1024 * 1024);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
