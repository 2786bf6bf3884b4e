import { readJson } from "../http/json-body.ts";
import type { HttpHandler } from "../http/context.ts";
import { sendJson } from "../http/respond.ts";
import { requireAgent, type AuthenticateAgent } from "./authenticate.ts";
import { readIdentity } from "./headers.ts";
import type { AgentManager } from "./manager.ts";
import { agentPostSchema, PROTOCOL_LIMITS, type PostAnswer } from "./types.ts";

export interface AgentResponseOptions {
  readonly manager: AgentManager;
  readonly authenticateAgent: AuthenticateAgent;
}

/**
 * `POST /api/agent/response`: one message or an array. Nothing of a malformed POST is taken (400 with the path in `param`;
 * 413 over the limit). Answers 404 with the same body when the instance is not registered, or when it knows none of the
 * requests named.
 */
export function createAgentResponseHandler({ manager, authenticateAgent }: AgentResponseOptions): HttpHandler {
  return async (context) => {
    requireAgent(context.request, authenticateAgent);
    const identity = readIdentity(context.request);
    const post = await readJson(context, agentPostSchema, PROTOCOL_LIMITS.maxPostBytes);
    const isKnown = manager.knowsAgent(identity);
    const answer = manager.handleResponse(identity, Array.isArray(post) ? post : [post]);
    sendJson(context.response, isKnown && !isAllUnknown(answer) ? 200 : 404, answer);
  };
}

function isAllUnknown({ results }: PostAnswer): boolean {
  return results.length > 0 && results.every(({ status }) => status === "unknown");
}
