import { readBody } from "../http/body.ts";
import type { HttpHandler } from "../http/context.ts";
import { parseBoundedJson, toRequestError } from "../http/json-body.ts";
import { sendJson } from "../http/respond.ts";
import { isFields } from "../openai/fields.ts";
import { requireAgent, type AuthenticateAgent } from "./authenticate.ts";
import { readIdentity } from "./headers.ts";
import type { AgentManager } from "./manager.ts";
import { isPlainPost } from "./plain-post.ts";
import { agentMessageSchema, agentPostSchema, PROTOCOL_LIMITS, type AgentMessage, type PostAnswer } from "./types.ts";

const KNOWN_TYPES: ReadonlySet<string> = new Set(agentMessageSchema.options.map(({ shape }) => shape.type.value));

export interface AgentResponseOptions {
  readonly manager: AgentManager;
  readonly authenticateAgent: AuthenticateAgent;
}

/**
 * `POST /api/agent/response`: one message or an array. Messages of unknown types are
 * ignored; nothing of a malformed POST is taken (400 with the path in `param`;
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
  const messages: unknown[] = Array.isArray(value) ? value : [value];
  const known = messages.filter((message) => !isOfTheFuture(message));
  if (known.length === 0 && messages.length > 0) return [];
  const checked = known.length === messages.length ? value : known;
  const parsed = agentPostSchema.safeParse(checked);
  if (!parsed.success) throw toRequestError(parsed.error, checked);
  return Array.isArray(parsed.data) ? parsed.data : [parsed.data];
}

/**
 * Whether a message is of a type that a later version may have made: ignored, as the protocol's rule 13 says. One with a
 * number is not, since to leave it out would stop its request for ever: it is refused.
 */
function isOfTheFuture(message: unknown): boolean {
  if (!isFields(message) || typeof message["type"] !== "string" || "seq" in message) return false;
  return !KNOWN_TYPES.has(message["type"]);
}

function isAllUnknown({ results }: PostAnswer): boolean {
  return results.length > 0 && results.every(({ status }) => status === "unknown");
}
