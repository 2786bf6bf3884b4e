import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import type { Route } from "../http/router.ts";
import type { AuthenticateAgent } from "./authenticate.ts";
import { createAgentConnectHandler } from "./connect.ts";
import { createAgentInputHandler } from "./input.ts";
import type { AgentManager } from "./manager.ts";
import { createAgentResponseHandler } from "./response.ts";
import { createAgentStatusHandler } from "./status.ts";

export interface AgentRoutesOptions {
  readonly manager: AgentManager;
  /** Left out, no agent is let in: the agents' endpoints answer 404 and say why. */
  readonly authenticateAgent: AuthenticateAgent | undefined;
  /** Wraps the status handler with the check of who may see it. */
  readonly guardStatus: (handler: HttpHandler) => HttpHandler;
}

/** The agents' endpoints. */
export function createAgentRoutes({ manager, authenticateAgent, guardStatus }: AgentRoutesOptions): readonly Route[] {
  const status: Route = {
    method: "GET",
    path: "/api/agent/status",
    handler: guardStatus(createAgentStatusHandler({ manager })),
  };
  if (authenticateAgent === undefined) {
    return [
      { method: "GET", path: "/api/agent/connect", handler: refuseAgents },
      { method: "POST", path: "/api/agent/response", handler: refuseAgents },
      status,
    ];
  }
  const shared = { manager, authenticateAgent };
  return [
    { method: "GET", path: "/api/agent/connect", handler: createAgentConnectHandler(shared) },
    { method: "POST", path: "/api/agent/response", handler: createAgentResponseHandler(shared) },
    { method: "GET", path: "/api/agent/requests/{id}/input", handler: createAgentInputHandler(shared) },
    status,
  ];
}

const refuseAgents: HttpHandler = async () => {
  throw new GatewayError("not_found", "This proxy lets no agents in: AGENT_SECRET is not set.");
};
