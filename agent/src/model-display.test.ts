import { describe, expect, it } from "vitest";
import { plainModel, quotedModel } from "./model-display.ts";

describe("a model's name", () => {
  it.each(["sonnet", "codex-cli/gpt-5.1", "opus[1m]", "org/model:free@2", "a_b"])("is shown in quotes: %s", (name) => {
    expect(quotedModel(name)).toBe(`"${name}"`);
    expect(plainModel(name)).toBe(name);
  });

  it("is cut where it is long", () => {
    expect(quotedModel("x".repeat(60))).toBe(`"${"x".repeat(60)}"`);
    expect(quotedModel("x".repeat(61))).toBe(`"${"x".repeat(59)}…"`);
    expect(plainModel("x".repeat(200))).toBe("x".repeat(100));
    expect(quotedModel(plainModel("x".repeat(200)))).toBe(`"${"x".repeat(59)}…"`);
  });

  it.each([
    "codex-cli/gpt-5, 14 characters, until 23:59: What is 2+2?",
    "sonnet\n",
    'sonnet"',
    "so\u00adnnet",
    "-sonnet",
    "",
    "x".repeat(201),
  ])("is not shown where its form is none of a name: %j", (name) => {
    expect(quotedModel(name)).toBe("(a malformed name)");
    expect(plainModel(name)).toBe("(a malformed name)");
  });
});
