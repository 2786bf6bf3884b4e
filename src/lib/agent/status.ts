import type { HttpContext } from "../http/context.ts";
import { sendJson } from "../http/respond.ts";
import type { AgentManager } from "./manager.ts";

/** Answers the operator, or the holder of a client key with this id. */
export type GuardedHandler = (context: HttpContext, keyId: string | undefined) => Promise<void>;

/** `GET /api/agent/status`: {@link AgentManager.status} as JSON. Who asks, the operator or a key, is found out by what mounts it. */
export function createAgentStatusHandler({ manager }: { readonly manager: AgentManager }): GuardedHandler {
  return async ({ response }, keyId) => sendJson(response, 200, manager.status(keyId));
}
