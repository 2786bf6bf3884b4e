import type { HttpHandler } from "../http/context.ts";
import type { Route } from "../http/router.ts";
import type { AuthenticateAgent } from "./authenticate.ts";
import { createAgentConnectHandler } from "./connect.ts";
import { createAgentInputHandler } from "./input.ts";
import type { AgentManager } from "./manager.ts";
import { createAgentResponseHandler } from "./response.ts";
import { createAgentStatusHandler, type GuardedHandler } from "./status.ts";

export interface AgentRoutesOptions {
  readonly manager: AgentManager;
  readonly authenticateAgent: AuthenticateAgent;
  /** Wraps the status handler with the check of who may see it. */
  readonly guardStatus: (handler: GuardedHandler) => HttpHandler;
}

/** The agents' endpoints. */
export function createAgentRoutes({ manager, authenticateAgent, guardStatus }: AgentRoutesOptions): readonly Route[] {
  const shared = { manager, authenticateAgent };
  return [
    { method: "GET", path: "/api/agent/connect", handler: createAgentConnectHandler(shared) },
    { method: "POST", path: "/api/agent/response", handler: createAgentResponseHandler(shared) },
    { method: "GET", path: "/api/agent/requests/{id}/input", handler: createAgentInputHandler(shared) },
    { method: "GET", path: "/api/agent/status", handler: guardStatus(createAgentStatusHandler({ manager })) },
  ];
}
