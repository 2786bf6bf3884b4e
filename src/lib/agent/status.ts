import type { HttpHandler } from "../http/context.ts";
import { sendJson } from "../http/respond.ts";
import type { AgentManager } from "./manager.ts";

/** `GET /api/agent/status`: {@link AgentManager.status} as JSON. Who may ask is checked by what mounts it. */
export function createAgentStatusHandler({ manager }: { readonly manager: AgentManager }): HttpHandler {
  return async ({ response }) => sendJson(response, 200, manager.status());
}
