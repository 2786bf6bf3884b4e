import { describe, expect, it } from "vitest";
import { namesVariable } from "./expanded-text.ts";

describe("a text for the CLI's settings", () => {
  it.each([
    "$GEMINI_API_KEY",
    "say ${GEMINI_API_KEY} twice",
    "${GEMINI_API_KEY:-none}",
    "x$HOME/y",
    "$_",
    "#/$defs/A $PATH",
    "$defs2",
  ])("that names a variable is found: %j", (text) => {
    expect(namesVariable({ responseJsonSchema: { properties: { a: { description: text } } } })).toBe(true);
    expect(namesVariable({ stopSequences: ["END", text] })).toBe(true);
  });

  it.each(["$", "5 $", "US$ 5", "$5", "^[a-z]+$", "a$|b$", "#/$defs/Item", "cost: $ amount"])(
    "that names none is left alone: %j",
    (text) => {
      expect(namesVariable({ $schema: "https://json-schema.org/draft/2020-12/schema", $HOME: 1, [text]: 2 })).toBe(
        false,
      );
      expect(namesVariable({ $defs: { Item: { pattern: text } }, items: [{ $ref: "#/$defs/Item" }, text] })).toBe(
        false,
      );
    },
  );
});
