import { expect, it } from "vitest";
import { CLI_NAMES, modelsOfCli, splitWireModel, toWireModel } from "./model-names.ts";

it("brings every CLI's models back from the wire as they were", () => {
  for (const cli of CLI_NAMES) {
    for (const model of ["sonnet", "gpt-5.2-codex", "*", "org/model"]) {
      expect(splitWireModel(toWireModel(cli, model))).toEqual({ cli, model });
    }
  }
});

it("leaves Claude's names as older agents send them", () => {
  expect(toWireModel("claude", "sonnet")).toBe("sonnet");
  expect(splitWireModel("claude-cli/sonnet")).toEqual({ cli: "claude", model: "sonnet" });
});

it("takes a foreign prefix for a part of the name", () => {
  expect(splitWireModel("openai/gpt-5")).toEqual({ cli: "claude", model: "openai/gpt-5" });
});

it("picks the models of one CLI", () => {
  const offered = ["sonnet", "codex-cli/codex", "codex-cli/*", "gemini-cli/flash"];
  expect(modelsOfCli("codex", offered)).toEqual(["codex", "*"]);
  expect(modelsOfCli("claude", offered)).toEqual(["sonnet"]);
});
