import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "../../app/globals.css"), "utf8");

type Tokens = Readonly<Record<string, string>>;

function readTokens(text: string): Tokens {
  return Object.fromEntries(
    [...text.matchAll(/--(?<name>[\w-]+): (?<value>#[0-9a-f]{6});/g)].map(({ groups }) => [
      groups?.["name"],
      groups?.["value"],
    ]),
  );
}

const darkAt = css.indexOf("@media (prefers-color-scheme: dark)");
const light = readTokens(css.slice(0, darkAt));
const dark = { ...light, ...readTokens(css.slice(darkAt)) };

/** Relative luminance and contrast ratio after WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(tokens: Tokens, one: string, other: string): number {
  const [a, b] = [tokens[one], tokens[other]];
  if (a === undefined || b === undefined) throw new Error(`No token ${a === undefined ? one : other}.`);
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

const GROUNDS = ["ground", "surface", "sunken"];
const TEXT_PAIRS = [
  ...["text", "text-muted"].flatMap((text) => GROUNDS.map((ground) => [text, ground])),
  ...["accent", "accent-hover", "bad"].map((text) => [text, "surface"]),
  ...["accent", "accent-hover"].map((ground) => ["on-accent", ground]),
  ...["good", "warn", "bad", "info", "quiet"].map((tone) => [tone, `${tone}-ground`]),
];
// Borders of controls and the focus ring (WCAG 1.4.11).
const MARK_PAIRS = [
  ["line-strong", "surface"],
  ["line-strong", "sunken"],
  ["focus", "ground"],
  ["focus", "surface"],
];

describe.each([
  ["light", light],
  ["dark", dark],
])("the %s colours", (_, tokens) => {
  it.each(TEXT_PAIRS)("let %s be read on %s (WCAG AA, 4.5)", (text = "", ground = "") => {
    expect(contrast(tokens, text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(MARK_PAIRS)("let %s be seen on %s (WCAG AA, 3)", (mark = "", ground = "") => {
    expect(contrast(tokens, mark, ground)).toBeGreaterThanOrEqual(3);
  });
});

it("has a dark value for every colour", () => {
  expect(Object.keys(readTokens(css.slice(darkAt))).sort()).toEqual(Object.keys(light).sort());
});
