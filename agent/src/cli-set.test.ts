import { beforeEach, describe, expect, it } from "vitest";
import { CLI_NAMES, type CliName } from "../../src/lib/cli/model-names.ts";
import type { CliExecutor } from "../../src/lib/cli/types.ts";
import { CliSet } from "./cli-set.ts";
import { createScriptedExecutor, type ScriptedExecutor } from "./testing/scripted-executor.ts";
import { silentLogger } from "./logger.ts";
import { sleep } from "./timing.ts";

const MODELS: Readonly<Record<CliName, readonly string[]>> = {
  claude: ["sonnet", "claude-*"],
  codex: ["codex", "*"],
  gemini: ["gemini", "flash"],
};

let executors: ScriptedExecutor[];
let changes: number;
let errors: string[];

function executorOf(name: CliName): ScriptedExecutor {
  const executor: ScriptedExecutor = Object.assign(createScriptedExecutor(), { name, models: () => MODELS[name] });
  executor.readiness = { name, version: "1.0.0", ready: true, reason: null };
  return executor;
}

function setOf(required: readonly CliName[], of: readonly CliExecutor[] = executors): CliSet {
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  return new CliSet({ executors: of, required, logger, sleep, onChange: () => (changes += 1) });
}

beforeEach(() => {
  changes = 0;
  errors = [];
  executors = [executorOf("claude"), executorOf("codex"), executorOf("gemini")];
});

const never = new AbortController().signal;

describe("the CLIs of an agent", () => {
  it("offer Claude's models by their names, the others' behind the CLI's", async () => {
    const clis = setOf([]);
    expect(clis.models).toEqual([]);
    await clis.check(never);
    expect(clis.models).toEqual([
      "sonnet",
      "claude-*",
      "codex-cli/codex",
      "codex-cli/*",
      "gemini-cli/gemini",
      "gemini-cli/flash",
    ]);
    expect(changes).toBe(3);
  });

  it("run a model by the CLI that it is named for, under its own name", async () => {
    const clis = setOf([]);
    await clis.check(never);
    expect(clis.place("sonnet")).toEqual({ executor: executors[0], model: "sonnet" });
    expect(clis.place("claude-cli/sonnet")).toEqual({ executor: executors[0], model: "sonnet" });
    expect(clis.place("codex-cli/gpt-5.2-codex")).toEqual({ executor: executors[1], model: "gpt-5.2-codex" });
    expect(clis.place("gemini-cli/flash")).toEqual({ executor: executors[2], model: "flash" });
  });

  it("refuse what no CLI of theirs offers, and what one that is not ready would", async () => {
    const [claude, codex, gemini] = executors;
    if (claude === undefined || codex === undefined || gemini === undefined) throw new Error("no executors");
    codex.readiness = { name: "codex", version: "1.0.0", ready: false, reason: "log in" };
    gemini.readiness = { name: "gemini", version: null, ready: false, reason: "not found" };
    const clis = setOf([]);
    await clis.check(never);
    expect(clis.place("gpt-5")).toMatchObject({ code: "unsupported" });
    expect(clis.place("codex-cli/codex")).toMatchObject({ code: "not_logged_in" });
    expect(clis.place("gemini-cli/flash")).toMatchObject({ code: "cli_missing" });
    expect(setOf([], [claude]).place("codex-cli/codex")).toMatchObject({ code: "unsupported" });
    expect(clis.models).toEqual(["sonnet", "claude-*"]);
  });

  it("tell of a change where a later probe has learnt of other models", async () => {
    const [, codex] = executors;
    if (codex === undefined) throw new Error("no executors");
    const clis = setOf([], [codex]);
    await clis.check(never);
    await clis.check(never);
    expect(changes).toBe(1);
    Object.assign(codex, { models: () => ["codex", "gpt-6", "*"] });
    await clis.check(never);
    expect(changes).toBe(2);
    expect(clis.models).toContain("codex-cli/gpt-6");
  });

  it("leave out what is not installed and need not be, and say so only where nothing is", async () => {
    const [claude, codex, gemini] = executors;
    if (claude === undefined || codex === undefined || gemini === undefined) throw new Error("no executors");
    gemini.readiness = { name: "gemini", version: null, ready: false, reason: "not found" };
    const lenient = setOf([]);
    await lenient.check(never);
    expect(lenient.readiness.map(({ name }) => name)).toEqual(["claude", "codex"]);
    expect(errors).toEqual([]);

    const strict = setOf(CLI_NAMES);
    await strict.check(never);
    expect(strict.readiness.map(({ name }) => name)).toEqual(["claude", "codex", "gemini"]);
    expect(errors).toEqual(["the CLI cannot answer"]);

    errors = [];
    const named = setOf(["gemini"]);
    await named.check(never);
    expect(named.readiness.map(({ name }) => name)).toEqual(["claude", "codex", "gemini"]);
    expect(errors).toEqual(["the CLI cannot answer"]);

    errors = [];
    const none = setOf([], [gemini]);
    await none.check(never);
    expect(none.readiness).toHaveLength(1);
    expect(errors).toEqual(["no CLI was found: install one of them, or give its path"]);
  });
});
