import { describe, expect, it } from "vitest";
import { printable } from "./logger.ts";

describe("printable", () => {
  it.each([
    "\u0000",
    "\u001b",
    "\u009b",
    "\u00ad",
    "\u034f",
    "\u061c",
    "\u115f",
    "\u1160",
    "\u17b4",
    "\u180e",
    "\u200b",
    "\u200e",
    "\u2028",
    "\u202e",
    "\u2066",
    "\u206a",
    "\u2800",
    "\u3164",
    "\ufeff",
    "\uffa0",
    "\ufff9",
    "\u{e0041}",
  ])("leaves nothing of what steers, turns or hides text: %j", (character) => {
    expect(printable(`a${character}b`)).toBe("a b");
  });

  it.each(["naïve", "שלום مرحبا", "日本語", "한국어", "❤\ufe0f", "😀", "e\u0301", "नमस्ते", "~!#{}"])(
    "leaves what people write as it is: %s",
    (text) => {
      expect(printable(text)).toBe(text);
    },
  );
});
