import { readBody } from "../http/body.ts";
import type { HttpHandler } from "../http/context.ts";
import { parseBoundedJson, toRequestError } from "../http/json-body.ts";
import { sendJson } from "../http/respond.ts";
import { requireAgent, type AuthenticateAgent } from "./authenticate.ts";
import { readIdentity } from "./headers.ts";
import type { AgentManager } from "./manager.ts";
import { isPlainPost } from "./plain-post.ts";
import { agentPostSchema, PROTOCOL_LIMITS, type AgentMessage, type PostAnswer } from "./types.ts";

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
    const found = requireAgent(context.request, authenticateAgent);
    const access = found instanceof Promise ? await found : found;
    const identity = { ...readIdentity(context.request, (agent) => manager.knowsAgent({ ...agent, access })), access };
    const body = await readBody(context.request, { limitBytes: PROTOCOL_LIMITS.maxPostBytes, signal: context.signal });
    const messages = readMessages(body);
    const isKnown = manager.knowsAgent(identity);
    const answer = manager.handleResponse(identity, messages);
    sendJson(context.response, isKnown && !isAllUnknown(answer) ? 200 : 404, answer);
  };
}

function readMessages(body: Buffer): readonly AgentMessage[] {
  const value = parseBoundedJson(body);
  if (isPlainPost(value)) return value;
  const parsed = agentPostSchema.safeParse(value);
  if (!parsed.success) throw toRequestError(parsed.error, value);
  return Array.isArray(parsed.data) ? parsed.data : [parsed.data];
}

function isAllUnknown({ results }: PostAnswer): boolean {
  return results.length > 0 && results.every(({ status }) => status === "unknown");
}
