import type { AgentManager } from "../agent/manager.ts";
import type { LLMProvider } from "./types.ts";

export interface ClaudeCliRemoteOptions {
  readonly manager: Pick<AgentManager, "hasConnectedAgent" | "models" | "dispatchRequest" | "dispatchStreamRequest">;
}

/** Claude through the CLIs of connected agents. The agents' manager is owned, and closed, by who made it. */
export function createClaudeCliRemoteProvider({ manager }: ClaudeCliRemoteOptions): LLMProvider {
  return {
    id: "claude-cli-remote",
    type: "claude-cli-remote",
    isAvailable: (model, keyId) => manager.hasConnectedAgent(model, keyId),
    getModels: async (keyId) => manager.models(keyId).map((id) => ({ id, ownedBy: "anthropic", created: 0 })),
    complete: (call) => manager.dispatchRequest(call),
    stream: (call, sink) => manager.dispatchStreamRequest(call, sink),
    close: async () => undefined,
  };
}
