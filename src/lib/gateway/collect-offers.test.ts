import { describe, expect, it } from "vitest";
import { GatewayError } from "../http/errors.ts";
import { createFakeProvider } from "../../test/fake-provider.ts";
import { createProviderRegistry } from "../providers/index.ts";
import type { LLMProvider } from "../providers/types.ts";
import { collectOffers } from "./collect-offers.ts";
import { resolveTargets } from "./resolve-targets.ts";

/** Providers whose lists are counted; a `stuck` one never answers. */
function setUp(lists: Readonly<Record<string, readonly string[] | "stuck">>) {
  const asked: string[] = [];
  const providers = Object.entries(lists).map(([id, models]) => {
    const provider = createFakeProvider({ id, models: models === "stuck" ? [] : models });
    const getModels = (): ReturnType<LLMProvider["getModels"]> => {
      asked.push(id);
      return models === "stuck" ? new Promise(() => {}) : provider.getModels();
    };
    return { ...provider, getModels };
  });
  return { registry: createProviderRegistry(providers), asked };
}

describe("collectOffers", () => {
  it("asks no provider for its list when one is forced, so that a stuck one holds nothing up", async () => {
    const { registry, asked } = setUp({ openai: "stuck", "claude-cli": "stuck" });
    const offers = await collectOffers(registry, "openai/org/model", "key_1");
    expect(resolveTargets("openai/org/model", offers)).toEqual([{ providerId: "openai", model: "org/model" }]);
    expect([offers.length, asked]).toEqual([1, []]);
  });

  it("asks the Claude providers for no list for a Claude model, and the others whether they list it", async () => {
    const { registry, asked } = setUp({ "claude-api": "stuck", "claude-cli": "stuck", openai: ["sonnet"] });
    const targets = resolveTargets("sonnet", await collectOffers(registry, "sonnet", "key_1"));
    expect(targets.map(({ providerId }) => providerId)).toEqual(["claude-cli", "claude-api", "openai"]);
    expect(asked).toEqual(["openai"]);
  });

  it("asks all for any other model, an id with a slash too", async () => {
    const { registry, asked } = setUp({ openai: ["meta/llama-4"], "claude-api": ["sonnet"] });
    const targets = resolveTargets("meta/llama-4", await collectOffers(registry, "meta/llama-4", "key_1"));
    expect(targets).toEqual([{ providerId: "openai", model: "meta/llama-4" }]);
    expect(asked.sort()).toEqual(["claude-api", "openai"]);
  });

  it("takes a forced provider that is there and does not take the model for one that does not offer it", async () => {
    const provider = (isThere: boolean): LLMProvider => ({
      ...createFakeProvider({ id: "claude-cli-remote", models: ["sonnet"] }),
      isAvailable: (model) => isThere && (model === undefined || model === "sonnet"),
    });
    const codeFor = async (model: string, isThere: boolean): Promise<string> => {
      const offers = await collectOffers(createProviderRegistry([provider(isThere)]), model, "key_1");
      try {
        return resolveTargets(model, offers)[0]?.model ?? "";
      } catch (error) {
        return error instanceof GatewayError ? error.code : String(error);
      }
    };
    expect(await codeFor("claude-cli/sonnet", true)).toBe("sonnet");
    expect(await codeFor("claude-cli/no-such", true)).toBe("model_not_found");
    expect(await codeFor("claude-cli/no-such", false)).toBe("no_provider_available");
  });
});
