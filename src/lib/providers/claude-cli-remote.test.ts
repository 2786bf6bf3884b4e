import { expect, test, vi } from "vitest";
import type { ProviderCall } from "./types.ts";
import { createClaudeCliRemoteProvider, type ClaudeCliRemoteOptions } from "./claude-cli-remote.ts";

type Manager = ClaudeCliRemoteOptions["manager"];

test("it offers what connected agents offer, and asks the manager whether a model can be served to a key", async () => {
  const hasConnectedAgent = vi.fn<Manager["hasConnectedAgent"]>((model) => model === "sonnet");
  const provider = createClaudeCliRemoteProvider({
    manager: {
      hasConnectedAgent,
      models: () => ["sonnet", "claude-opus-4-1"],
      dispatchRequest: async (call: ProviderCall) => {
        throw new Error(call.requestId);
      },
      dispatchStreamRequest: async (call: ProviderCall) => {
        throw new Error(call.requestId);
      },
    },
  });
  expect(provider).toMatchObject({ id: "claude-cli-remote", type: "claude-cli-remote" });
  expect(provider.isAvailable("sonnet", "key_1")).toBe(true);
  expect(provider.isAvailable("opus")).toBe(false);
  expect(provider.isAvailable()).toBe(false);
  expect(hasConnectedAgent.mock.calls).toEqual([
    ["sonnet", "key_1"],
    ["opus", undefined],
    [undefined, undefined],
  ]);
  expect(await provider.getModels()).toEqual([
    { id: "sonnet", ownedBy: "anthropic", created: 0 },
    { id: "claude-opus-4-1", ownedBy: "anthropic", created: 0 },
  ]);
});
