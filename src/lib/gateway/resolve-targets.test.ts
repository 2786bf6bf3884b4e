import { describe, expect, it } from "vitest";
import { GatewayError } from "../http/errors.ts";
import { resolveTargets, type ProviderOffer } from "./resolve-targets.ts";

const offer = (id: string, models: string[] = [], available = true): ProviderOffer => ({
  id,
  available,
  models: new Set(models),
});
const claude = [
  offer("openai", ["gpt-5"]),
  offer("claude-api", ["sonnet"]),
  offer("claude-cli"),
  offer("claude-cli-remote", ["sonnet"]),
];

function failureOf(run: () => unknown): GatewayError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof GatewayError ? error : undefined;
  }
}

function codeOf(run: () => unknown): string {
  const failure = failureOf(run);
  return `${failure?.status} ${failure?.code}`;
}

describe("resolveTargets", () => {
  it.each(["sonnet", "opus", "haiku", "claude-sonnet-4-5", "claude-opus-4-20250514"])(
    "sends %s to the agents first, then the local CLI, then the API",
    (model) => {
      expect(resolveTargets(model, claude).map((target) => target.providerId)).toEqual([
        "claude-cli-remote",
        "claude-cli",
        "claude-api",
      ]);
    },
  );

  it("leaves out targets that are unavailable", () => {
    const offers = [offer("claude-cli-remote", [], false), offer("claude-api")];
    expect(resolveTargets("sonnet", offers)).toEqual([{ providerId: "claude-api", model: "sonnet" }]);
  });

  it("forces a provider by its prefix and hands the rest on as the model", () => {
    expect(resolveTargets("claude-api/opus", claude)).toEqual([{ providerId: "claude-api", model: "opus" }]);
    expect(resolveTargets("openai/org/model", claude)).toEqual([{ providerId: "openai", model: "org/model" }]);
  });

  it("takes claude-cli/ for the CLI here, else for one on an agent", () => {
    expect(resolveTargets("claude-cli/opus", claude)).toEqual([{ providerId: "claude-cli", model: "opus" }]);
    const away = [offer("claude-cli", [], false), offer("claude-cli-remote", ["sonnet"])];
    expect(resolveTargets("claude-cli/opus", away)).toEqual([{ providerId: "claude-cli-remote", model: "opus" }]);
    expect(resolveTargets("claude-cli/opus", [offer("claude-cli-remote")])).toEqual([
      { providerId: "claude-cli-remote", model: "opus" },
    ]);
    expect(codeOf(() => resolveTargets("claude-cli/opus", [offer("openai", ["gpt-5"])]))).toBe("404 model_not_found");
  });

  it("asks the other CLIs for what is named as theirs, and for their short names, but never in place of an API", () => {
    const offers = [
      ...claude,
      offer("codex-cli", ["codex", "codex-cli/gpt-5.2-codex"]),
      offer("gemini-cli", [], false),
    ];
    expect(resolveTargets("codex-cli/gpt-5.2-codex", offers)).toEqual([
      { providerId: "codex-cli", model: "gpt-5.2-codex" },
    ]);
    expect(resolveTargets("codex", offers)).toEqual([{ providerId: "codex-cli", model: "codex" }]);
    expect(codeOf(() => resolveTargets("gemini-cli/flash", offers))).toBe("503 no_provider_available");
    expect(codeOf(() => resolveTargets("gpt-5.2-codex", offers))).toBe("404 model_not_found");
    // Also by the short name, where its agents are away: that is no wrong name.
    expect(codeOf(() => resolveTargets("gemini", offers))).toBe("503 no_provider_available");
    expect(failureOf(() => resolveTargets("gemini", offers))?.message).toContain("no agent that serves this key");
    expect(codeOf(() => resolveTargets("gemini", claude))).toBe("404 model_not_found");
  });

  it("keeps an id with a slash whole when its first part is no provider", () => {
    const offers = [offer("openai", ["meta/llama-4"])];
    expect(resolveTargets("meta/llama-4", offers)).toEqual([{ providerId: "openai", model: "meta/llama-4" }]);
  });

  it("answers 404 for a model that nobody offers", () => {
    expect(codeOf(() => resolveTargets("gpt-none", claude))).toBe("404 model_not_found");
    expect(codeOf(() => resolveTargets("sonnet", [offer("openai", ["gpt-5"])]))).toBe("404 model_not_found");
    expect(codeOf(() => resolveTargets("", claude))).toBe("404 model_not_found");
  });

  it("answers 503 with a time to wait when everyone who offers it is away", () => {
    const offers = [offer("claude-cli-remote", [], false)];
    expect(codeOf(() => resolveTargets("sonnet", offers))).toBe("503 no_provider_available");
    expect(failureOf(() => resolveTargets("sonnet", offers))?.retryAfterMs).toBeGreaterThan(0);
  });

  it("asks a provider that could not list its models for ids that nobody else offers", () => {
    expect(resolveTargets("my-model", [offer("openai"), offer("claude-api", ["sonnet"])])).toEqual([
      { providerId: "openai", model: "my-model" },
    ]);
  });

  it("puts an OpenAI-type upstream that lists a Claude id after the family's own providers", () => {
    const offers = [offer("openai", ["claude-sonnet-4-5"]), offer("claude-api")];
    expect(resolveTargets("claude-sonnet-4-5", offers).map((target) => target.providerId)).toEqual([
      "claude-api",
      "openai",
    ]);
  });
});
