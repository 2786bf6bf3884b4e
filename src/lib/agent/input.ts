import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { sendJson } from "../http/respond.ts";
import { requireAgent, type AuthenticateAgent } from "./authenticate.ts";
import { readIdentity } from "./headers.ts";
import type { AgentManager } from "./manager.ts";

export interface AgentInputOptions {
  readonly manager: AgentManager;
  readonly authenticateAgent: AuthenticateAgent;
}

/**
 * `GET /api/agent/requests/{id}/input`: the OpenAI request that was too large for its event, as JSON. 404 for every agent
 * instance but the one that has the request, and once the request has given output or has ended.
 */
export function createAgentInputHandler({ manager, authenticateAgent }: AgentInputOptions): HttpHandler {
  return async ({ request, response, params }) => {
    const found = requireAgent(request, authenticateAgent);
    const access = found instanceof Promise ? await found : found;
    const input = manager.requestInput(params["id"] ?? "", { ...readIdentity(request), access });
    if (input === undefined) throw new GatewayError("not_found", "This agent has no such request.");
    sendJson(response, 200, input);
  };
}
