import type { AgentManager } from "../agent/manager.ts";
import { splitWireModel, toWireModel, type CliName } from "../cli/model-names.ts";
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
    isAvailable(model, keyId) {
      if (model === undefined) return listed(keyId).length > 0;
      const wireModel = toWireModel(cli, model);
      // A name that reads like another CLI's on the wire would be served by that one.
      return splitWireModel(wireModel).cli === cli && manager.hasConnectedAgent(wireModel, keyId);
    },
    getModels: (keyId) => listed(keyId),
    complete: (call) => manager.dispatchRequest({ ...call, model: toWireModel(cli, call.model) }),
    stream: (call, sink) => manager.dispatchStreamRequest({ ...call, model: toWireModel(cli, call.model) }, sink),
    close: async () => undefined,
  };
}
