import { describe, expect, it } from "vitest";
import { offersModel } from "../../../src/lib/agent/types.ts";
import { allowedOffers, allowsModel } from "./model-patterns.ts";

describe("allowsModel", () => {
  it.each([
    [["sonnet"], "sonnet", true],
    [["sonnet"], "sonnet-4", false],
    [["claude-*"], "claude-opus-4-1", true],
    [["claude-*"], "opus", false],
    [["*"], "codex-cli/gpt-5", true],
    [["codex-cli/*"], "codex-cli/gpt-5", true],
    [["codex-cli/*"], "sonnet", false],
    [["claude-cli/*"], "sonnet", true],
    [["claude-cli/*"], "codex-cli/gpt-5", false],
    [["claude-cli/sonnet"], "sonnet", true],
    [["codex"], "codex-cli/codex", true],
    [["codex"], "codex-cli/gpt-5", false],
    [["gemini"], "gemini-cli/gemini", true],
    [["codex"], "codex", false],
    [[], "sonnet", false],
  ])("by %j answers for %s: %s", (patterns, model, expected) => {
    expect(allowsModel(patterns, model)).toBe(expected);
  });

  it("is not deceived by a model's name behind the prefix of its CLI", () => {
    expect(allowsModel(["claude-*"], "claude-cli/opus")).toBe(false);
    expect(allowsModel(["opus"], "claude-cli/opus")).toBe(true);
  });
});

describe("allowedOffers", () => {
  it.each([
    [["sonnet"], ["sonnet", "opus", "claude-*"], ["sonnet"]],
    [
      ["claude-opus-*", "haiku"],
      ["sonnet", "haiku", "claude-*"],
      ["haiku", "claude-opus-*"],
    ],
    [["claude-opus-4-1"], ["claude-*"], ["claude-opus-4-1"]],
    [["c*"], ["claude-*", "codex-cli/gpt-5"], ["claude-*", "codex-cli/gpt-5"]],
    [["claude-cli/*"], ["sonnet", "claude-*", "codex-cli/*"], ["sonnet", "claude-*"]],
    [["gpt-*"], ["sonnet"], []],
    [
      ["codex", "gemini"],
      ["sonnet", "codex-cli/codex", "codex-cli/*", "gemini-cli/gemini"],
      ["codex-cli/codex", "gemini-cli/gemini"],
    ],
    [["claude-cli/"], ["*", "sonnet"], []],
  ])("of what is offered leaves by %j of %j: %j", (patterns, offers, expected) => {
    expect(allowedOffers(patterns, offers)).toEqual(expected);
  });

  it("offers what allowsModel takes of the offer, and nothing else", () => {
    const patterns = ["sonnet", "claude-opus-*", "codex-cli/*", "claude-cli/h*"];
    const offers = ["sonnet", "opus", "haiku", "claude-*", "codex-cli/gpt-5"];
    const left = allowedOffers(patterns, offers);
    for (const model of ["sonnet", "opus", "haiku", "claude-opus-4", "claude-3", "codex-cli/gpt-5", "codex-cli/x"]) {
      expect([model, offersModel(left, model)]).toEqual([
        model,
        offersModel(offers, model) && allowsModel(patterns, model),
      ]);
    }
  });
});
