import type { AgentManager } from "../agent/manager.ts";
import { toWireModel, type CliName } from "../cli/model-names.ts";
import { listCliModels } from "./cli-models.ts";
import { AGENT_PROVIDERS } from "./cli-providers.ts";
import type { LLMProvider } from "./types.ts";

export interface AgentCliOptions {
  readonly cli: CliName;
  readonly manager: Pick<AgentManager, "hasConnectedAgent" | "models" | "dispatchRequest" | "dispatchStreamRequest">;
}

/** One CLI on connected agents. The agents' manager is owned, and closed, by who made it. */
export function createAgentCliProvider({ cli, manager }: AgentCliOptions): LLMProvider {
  const id = AGENT_PROVIDERS[cli];
  const listed = (keyId?: string) => listCliModels(cli, manager.models(keyId));
  return {
    id,
    type: id,
    isAvailable: (model, keyId) =>
      model === undefined ? listed(keyId).length > 0 : manager.hasConnectedAgent(toWireModel(cli, model), keyId),
    getModels: (keyId) => listed(keyId),
    complete: (call) => manager.dispatchRequest({ ...call, model: toWireModel(cli, call.model) }),
    stream: (call, sink) => manager.dispatchStreamRequest({ ...call, model: toWireModel(cli, call.model) }, sink),
    close: async () => undefined,
  };
}
