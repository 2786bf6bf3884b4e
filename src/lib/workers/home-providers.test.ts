import { describe, expect, it } from "vitest";
import { createHomeProviders } from "./home-providers.ts";
import { watchHomeOffers } from "./home-offers.ts";
import type { HomeOffer } from "./messages.ts";

const AGENTS = [
  { owner: "key_1", models: ["sonnet", "claude-*", "codex-cli/codex", "codex-cli/*"] },
  { owner: null, models: ["codex-cli/gpt-5.5", "gemini-cli/flash"] },
];

/** What a home with these agents tells its workers. */
function offersOf(agents: typeof AGENTS): readonly HomeOffer[] {
  const manager = { offers: () => agents, subscribe: () => () => undefined };
  const watched = watchHomeOffers({ manager, hasLocalCli: false, onChanged: () => undefined });
  watched.stop();
  return watched.current();
}

async function listed(offers: readonly HomeOffer[], id: string, keyId?: string): Promise<string[]> {
  const provider = createHomeProviders(offers).providers.find((each) => each.id === id);
  return ((await provider?.getModels(keyId)) ?? []).map((model) => model.id);
}

describe("a worker's stand-ins for the providers of the home", () => {
  it("are there for every CLI of agents, also while there is no agent", () => {
    const home = createHomeProviders(offersOf([]));
    const { providers } = home;
    expect(providers.map(({ id }) => id)).toEqual(["claude-cli-remote", "codex-cli", "gemini-cli"]);
    expect(providers.map((provider) => provider.isAvailable())).toEqual([false, false, false]);
    expect(home.has("claude-cli")).toBe(false);
  });

  it("list each CLI's models as the home does, to the keys that may have them", async () => {
    const offers = offersOf(AGENTS);
    expect(await listed(offers, "claude-cli-remote", "key_1")).toEqual(["sonnet", "claude-cli/sonnet"]);
    expect(await listed(offers, "claude-cli-remote", "key_2")).toEqual([]);
    expect(await listed(offers, "codex-cli", "key_1")).toEqual(["codex", "codex-cli/codex", "codex-cli/gpt-5.5"]);
    expect(await listed(offers, "codex-cli", "key_2")).toEqual(["codex-cli/gpt-5.5"]);
    expect(await listed(offers, "gemini-cli", "key_2")).toEqual(["gemini-cli/flash"]);
  });

  it("say of each key's own models whether they could be served, by the CLI's own names", () => {
    const { providers } = createHomeProviders(offersOf(AGENTS));
    const codex = providers.find(({ id }) => id === "codex-cli");
    expect(codex?.isAvailable("anything", "key_1")).toBe(true);
    expect(codex?.isAvailable("anything", "key_2")).toBe(false);
    expect(codex?.isAvailable("gpt-5.5", "key_2")).toBe(true);
  });

  it("give the same list for the same offers, and a new one for new offers", async () => {
    const home = createHomeProviders(offersOf(AGENTS));
    const codex = home.providers.find(({ id }) => id === "codex-cli");
    const first = codex?.getModels("key_1");
    expect(codex?.getModels("key_1")).toBe(first);
    home.update(offersOf([]));
    expect(codex?.getModels("key_1")).toEqual([]);
  });
});
