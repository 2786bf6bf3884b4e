import { expect, test, vi } from "vitest";
import { createCall } from "../../test/provider-call.ts";
import { createAgentCliProvider, type AgentCliOptions } from "./agent-cli.ts";

type Manager = AgentCliOptions["manager"];

const OFFERED = ["sonnet", "claude-opus-4-1", "codex-cli/codex", "codex-cli/gpt-5.2-codex"];

function managerOf(offered: readonly string[]) {
  const calls: string[] = [];
  const manager: Manager = {
    hasConnectedAgent: vi.fn<Manager["hasConnectedAgent"]>((model) => model !== undefined && offered.includes(model)),
    models: () => offered,
    dispatchRequest: async (call) => {
      calls.push(call.model);
      throw new Error("enough");
    },
    dispatchStreamRequest: async (call) => {
      calls.push(call.model);
      throw new Error("enough");
    },
  };
  return { manager, calls };
}

test("Claude's models are listed by their own names and behind the CLI's, and asked for by their own", async () => {
  const { manager, calls } = managerOf(OFFERED);
  const provider = createAgentCliProvider({ cli: "claude", manager });
  expect(provider).toMatchObject({ id: "claude-cli-remote", type: "claude-cli-remote" });
  expect(provider.isAvailable("sonnet", "key_1")).toBe(true);
  expect(provider.isAvailable("gpt-5.2-codex")).toBe(false);
  // By its whole name it is the other CLI's, whatever stands before it.
  expect(provider.isAvailable("codex-cli/gpt-5.2-codex")).toBe(false);
  expect(manager.hasConnectedAgent).toHaveBeenNthCalledWith(1, "sonnet", "key_1");
  const ids = ["sonnet", "claude-opus-4-1", "claude-cli/sonnet", "claude-cli/claude-opus-4-1"];
  expect(await provider.getModels()).toEqual(ids.map((id) => ({ id, ownedBy: "anthropic", created: 0 })));
  await expect(provider.complete(createCall({ model: "sonnet" }))).rejects.toThrow("enough");
  expect(calls).toEqual(["sonnet"]);
});

test("another CLI's models are listed and asked for behind its name, its default also by the name alone", async () => {
  const { manager, calls } = managerOf(OFFERED);
  const provider = createAgentCliProvider({ cli: "codex", manager });
  expect(provider).toMatchObject({ id: "codex-cli", type: "codex-cli" });
  expect(provider.isAvailable("gpt-5.2-codex")).toBe(true);
  expect(provider.isAvailable("sonnet")).toBe(false);
  const ids = ["codex", "codex-cli/codex", "codex-cli/gpt-5.2-codex"];
  expect(await provider.getModels()).toEqual(ids.map((id) => ({ id, ownedBy: "openai", created: 0 })));
  await expect(provider.complete(createCall({ model: "codex" }))).rejects.toThrow("enough");
  expect(calls).toEqual(["codex-cli/codex"]);
});

test("a CLI that no agent has is not available, and lists nothing", async () => {
  const provider = createAgentCliProvider({ cli: "gemini", manager: managerOf(OFFERED).manager });
  expect(provider.isAvailable()).toBe(false);
  expect(await provider.getModels()).toEqual([]);
});

test("a list of models stays the same object as long as the agents' offers do", async () => {
  const provider = createAgentCliProvider({ cli: "claude", manager: managerOf(OFFERED).manager });
  expect(await provider.getModels()).toBe(await provider.getModels());
});
