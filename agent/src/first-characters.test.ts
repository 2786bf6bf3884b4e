import { expect, it } from "vitest";
import { firstCharacters } from "./first-characters.ts";

it.each([
  ["hello", 3, "hel"],
  ["hello", 9, "hello"],
  ["👩‍👩‍👧é🇩🇪x", 3, "👩‍👩‍👧é🇩🇪"],
  ["", 3, ""],
])("takes of %j the first %i: %j", (text, count, expected) => {
  expect(firstCharacters(text, count)).toBe(expected);
});

it("is bounded for one character that never ends, and cuts none in half", () => {
  const endless = `a${"\u0301".repeat(1_000_000)}`;
  expect(firstCharacters(endless, 10).length).toBeLessThanOrEqual(160);
  expect(firstCharacters("x" + "😀".repeat(1000), 1).isWellFormed()).toBe(true);
});
