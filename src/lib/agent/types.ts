/**
 * The wire protocol between the proxy and `codewise-agent`, version 1. The single definition: the agent bundles this
 * file. Imports zod only, apart from the hub's own schemas. Readers ignore unknown fields and unknown event types; both
 * ends speak version N and N-1. See docs/agent-protocol.md for the rules.
 */
import { z } from "zod";
import type { ChatDelta } from "../openai/delta.ts";
import { finishReasonSchema } from "../openai/usage.ts";
import { costUsdSchema, retryAfterMsSchema, wireDeltaSchema, wireUsageSchema, wordsSchema } from "./wire-values.ts";

export const PROTOCOL_VERSION = 1;
export const PROTOCOL_MINIMUM = 1;

/** Longest name of a model, in UTF-16 units. */
const MAX_MODEL_NAME = 256;

export const AGENT_HEADERS = {
  id: "x-agent-id",
  /** A uuid per process start: tells a reconnect from a twin. */
  instance: "x-agent-instance",
  protocol: "x-agent-protocol",
  version: "x-agent-version",
} as const;

/** Bounds both ends keep. The server sends its own in `connected`. */
export const PROTOCOL_LIMITS = {
  /** Largest body of one POST to `/api/agent/response`, in bytes. */
  maxPostBytes: 4 * 1024 * 1024,
  /** Messages in one POST. */
  maxBatchMessages: 1000,
  /** Text in one `chunk` message, in UTF-16 units: larger deltas are split by the agent. */
  maxChunkText: 256 * 1024,
  /** A `request` payload over this many bytes goes by reference (`inputUrl`). */
  maxInlineRequestBytes: 256 * 1024,
  /** What the server holds for one slow client before it answers `held`, in bytes. */
  maxBufferedBytes: 1024 * 1024,
} as const;

export const agentIdSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]*$/, "letters, digits and . _ @ - only, beginning with a letter or digit");

const requestIdSchema = z.string().min(1).max(128);
const sessionIdSchema = z.string().max(128);
const sequenceSchema = z.int().min(1);
/** Words for a log or an operator. */
const reasonSchema = wordsSchema(512);
/** The request field at fault, as a path such as `messages[0].role`. */
const paramSchema = wordsSchema(256).nullish();
const droppedParamsSchema = z.array(wordsSchema(256)).max(100);

// ---------------------------------------------------------------- server to agent (SSE `event:` + JSON `data:`)

export const connectedEventSchema = z.looseObject({
  agentId: z.string().max(128),
  sessionId: sessionIdSchema,
  protocol: z.int(),
  pingIntervalMs: z.int().positive(),
  /** How long in-flight requests survive without a connection. */
  resumeGraceMs: z.int().nonnegative(),
  limits: z.looseObject({ maxPostBytes: z.int().positive(), maxBatchMessages: z.int().positive() }),
  /**
   * The requests that the server still holds for this instance, with the last sequence number it committed; the agent
   * resends what comes after it, and ends every request of its own that is not in the list or is marked `drop`.
   */
  resume: z.array(
    z.looseObject({ requestId: requestIdSchema, ackedSeq: z.int().nonnegative(), drop: z.boolean().optional() }),
  ),
});

export const agentRequestSchema = z.looseObject({
  requestId: requestIdSchema,
  /** Counts from 1; a repeat of the same `requestId` and `attempt` is ignored by an agent that has it. */
  attempt: z.int().min(1),
  model: z.string().min(1),
  stream: z.boolean(),
  /** The OpenAI chat request, checked by the server and again by the agent. Absent when `inputUrl` is given. */
  body: z.record(z.string(), z.unknown()).optional(),
  /** Path on the proxy, such as `/api/agent/requests/{id}/input`, that answers the body as JSON. */
  inputUrl: z.string().startsWith("/").optional(),
  /** Time allowed until the first chunk, in milliseconds. */
  firstEventTimeoutMs: z.int().positive(),
  /** Time allowed between chunks, in milliseconds. */
  idleTimeoutMs: z.int().positive(),
  /** What remains of the whole request's time, in milliseconds from receipt (no clocks are compared). */
  deadlineMs: z.int().positive(),
  traceparent: z.string().optional(),
});

export const CANCEL_REASONS = ["client_closed", "timeout", "superseded", "protocol_error", "shutdown"] as const;
export const cancelEventSchema = z.looseObject({ requestId: requestIdSchema, reason: reasonSchema });
export const pingEventSchema = z.looseObject({ now: z.number() });
export const drainEventSchema = z.looseObject({
  reason: reasonSchema,
  /** The agent reconnects after a random part of this, so that a restart is not met by all at once. */
  reconnectAfterMs: z.int().nonnegative(),
});

/** Server event name -> schema of its `data:`. */
export const SERVER_EVENTS = {
  connected: connectedEventSchema,
  request: agentRequestSchema,
  cancel: cancelEventSchema,
  ping: pingEventSchema,
  drain: drainEventSchema,
} as const;
export type ServerEventName = keyof typeof SERVER_EVENTS;

// ---------------------------------------------------------------- agent to server (POST, one message or an array)

// Unknown fields are left out here, since the server keeps what it is told: see wire-values.ts.

export const agentCliSchema = z.object({
  name: wordsSchema(64),
  version: wordsSchema(64).nullable(),
  ready: z.boolean(),
  /** Why it is not ready, in words for an operator. */
  reason: reasonSchema.nullish(),
});

/** First POST after `connected`; the agent gets work only after it. Carries no sequence number. */
export const helloMessageSchema = z.object({
  type: z.literal("hello"),
  /** The `sessionId` of the `connected` that this answers: a late hello of an earlier connection is then ignored. */
  sessionId: sessionIdSchema.optional(),
  version: wordsSchema(64),
  platform: wordsSchema(64),
  clis: z.array(agentCliSchema).max(16),
  /** Model ids and aliases this agent serves. */
  models: z.array(z.string().min(1).max(256)).max(1000),
  maxConcurrency: z.int().min(1).max(1000),
  inFlight: z
    .array(
      z.object({
        requestId: requestIdSchema,
        lastSeq: z.int().nonnegative(),
        ackedSeq: z.int().nonnegative(),
      }),
    )
    .max(1000),
});

/** Sent now and then on an idle link; also carries what changed since `hello`. No sequence number. */
export const heartbeatMessageSchema = z.object({
  type: z.literal("heartbeat"),
  /** The `now` of the last ping, given back, for the round trip time. */
  pingNow: z.number().optional(),
  draining: z.boolean().optional(),
});

/** The agent leaves: it is removed at once and its requests fail over or fail. No sequence number. */
export const goodbyeMessageSchema = z.object({ type: z.literal("goodbye"), reason: reasonSchema });

const sequenced = { requestId: requestIdSchema, seq: sequenceSchema };

export const acceptMessageSchema = z.object({ type: z.literal("accept"), ...sequenced, attempt: z.int().min(1) });

export const REJECT_CODES = ["busy", "unsupported", "cli_missing", "not_logged_in", "policy"] as const;
/** Ends the request on this agent before any output. */
export const rejectMessageSchema = z.object({
  type: z.literal("reject"),
  ...sequenced,
  code: z.enum(REJECT_CODES),
  message: wordsSchema(4096),
  param: paramSchema,
});

/** Deltas in order, coalesced as they gathered. */
export const agentChunkSchema = z.object({
  type: z.literal("chunk"),
  ...sequenced,
  /** On the first chunk only: what becomes response headers. */
  opened: z.object({ model: wordsSchema(256), droppedParams: droppedParamsSchema.optional() }).optional(),
  deltas: z.array(wireDeltaSchema).min(1).max(10_000),
});

/** The honest end. Checked against what was committed. */
export const agentCompleteSchema = z.object({
  type: z.literal("complete"),
  ...sequenced,
  finishReason: finishReasonSchema,
  usage: wireUsageSchema.nullish(),
  /** Where the counts come from: the CLI's own report, or an estimate. */
  usageSource: z.enum(["cli", "estimate", "none"]),
  /** The model that answered, as the CLI named it. */
  model: wordsSchema(256),
  droppedParams: droppedParamsSchema.optional(),
  costUsd: costUsdSchema.nullish(),
  timings: z.object({ spawnMs: z.number().nullish(), firstDeltaMs: z.number().nullish(), totalMs: z.number() }),
  /** Number of deltas in all chunks, as sent. */
  deltaCount: z.int().nonnegative(),
  /** See {@link deltaDigestText}: SHA-256, hex. */
  deltaSha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The other honest end. */
export const agentErrorSchema = z.object({
  type: z.literal("error"),
  ...sequenced,
  /** A code of the proxy's table (src/lib/http/errors.ts); unknown ones are shown as `upstream_error`. */
  code: z.string().max(64),
  message: wordsSchema(4096),
  param: paramSchema,
  status: z.int().min(400).max(599),
  /** Whether another agent or provider may be tried. */
  retryable: z.boolean(),
  retryAfterMs: retryAfterMsSchema.nullish(),
  /** Last lines of the CLI's stderr with secrets removed; for the log at `debug`, never for the client. */
  stderrTail: z
    .string()
    .overwrite((text) => text.slice(-4096))
    .nullish(),
  /** What was used before the failure, where it is known. */
  usage: wireUsageSchema.nullish(),
});

export const agentMessageSchema = z.discriminatedUnion("type", [
  helloMessageSchema,
  heartbeatMessageSchema,
  goodbyeMessageSchema,
  acceptMessageSchema,
  rejectMessageSchema,
  agentChunkSchema,
  agentCompleteSchema,
  agentErrorSchema,
]);
export const agentPostSchema = z.union([
  agentMessageSchema,
  z.array(agentMessageSchema).min(1).max(PROTOCOL_LIMITS.maxBatchMessages),
]);

// ---------------------------------------------------------------- the POST's answer

export const MESSAGE_STATUSES = [
  /** Everything up to `ackedSeq` is taken. */
  "committed",
  /** It was taken before; `ackedSeq` says how far. */
  "duplicate",
  /** A number is missing: resend from `ackedSeq + 1`. */
  "gap",
  /** The client reads slowly: nothing after `ackedSeq` was taken; resend from there after `retryAfterMs`. */
  "held",
  /** The server does not know this request (any more): end it. */
  "unknown",
  /** The request has ended: stop working on it. */
  "closed",
] as const;

export const messageResultSchema = z.looseObject({
  requestId: requestIdSchema,
  status: z.enum(MESSAGE_STATUSES),
  ackedSeq: z.int().nonnegative(),
  retryAfterMs: z.int().nonnegative().optional(),
});

/** One result per request named in the POST, plus every cancel the agent has not answered yet. */
export const postAnswerSchema = z.looseObject({
  results: z.array(messageResultSchema),
  cancels: z.array(cancelEventSchema),
});

/**
 * The text that one delta adds to the running SHA-256 of a request (UTF-8, the deltas of all chunks as sent, in order):
 * content, reasoning, signature, refusal and tool-call parts, each behind a tag and its length in UTF-16 units, so that
 * no two different sequences give the same text.
 */
export function deltaDigestText(delta: ChatDelta): string {
  let text = "";
  if (delta.content) text += part("c", delta.content);
  if (delta.reasoning_content) text += part("r", delta.reasoning_content);
  if (delta.reasoning_signature) text += part("s", delta.reasoning_signature);
  if (delta.refusal) text += part("x", delta.refusal);
  for (const { index, id = "", function: called } of delta.tool_calls ?? []) {
    text +=
      part("t", String(index)) + part("i", id) + part("n", called?.name ?? "") + part("a", called?.arguments ?? "");
  }
  return text;
}

function part(tag: string, text: string): string {
  return `${tag}${text.length}:${text}`;
}

/**
 * Whether a list of models covers one: by exact name, or by an entry with a trailing `*` such as `claude-*`. No list covers
 * a name of more than 256 characters, which nobody has and which would be in the way wherever it is shown.
 */
export function offersModel(models: readonly string[], model: string): boolean {
  if (model.length > MAX_MODEL_NAME) return false;
  return models.some((offer) => (offer.endsWith("*") ? model.startsWith(offer.slice(0, -1)) : offer === model));
}

// ---------------------------------------------------------------- GET /api/agent/status

export const agentStatusSchema = z.object({
  agents: z.array(
    z.object({
      id: z.string(),
      /** The client key that it was enrolled for; null where it came with the shared secret. */
      owner: z.object({ keyId: z.string(), name: z.string() }).nullable(),
      /** Whose requests it serves. */
      share: z.enum(["owner", "all"]),
      version: z.string(),
      platform: z.string().nullable(),
      /** `connecting` before hello, `ready`, `draining`, `resuming` while disconnected within the grace. */
      state: z.enum(["connecting", "ready", "draining", "resuming"]),
      clis: z.array(agentCliSchema),
      models: z.array(z.string()),
      /** ISO 8601. */
      connectedSince: z.string(),
      lastActivity: z.string(),
      inFlight: z.int(),
      capacity: z.int(),
      roundTripMs: z.number().nullable(),
      requests: z.array(z.object({ requestId: z.string(), model: z.string(), ageMs: z.int(), deltas: z.int() })),
    }),
  ),
  /** Requests that wait for an agent or run on one. */
  pendingRequests: z.int(),
  queuedRequests: z.int(),
  oldestPendingMs: z.int().nullable(),
});

export type ConnectedEvent = z.infer<typeof connectedEventSchema>;
export type AgentRequest = z.infer<typeof agentRequestSchema>;
export type CancelEvent = z.infer<typeof cancelEventSchema>;
export type DrainEvent = z.infer<typeof drainEventSchema>;
export type HelloMessage = z.infer<typeof helloMessageSchema>;
export type AgentChunk = z.infer<typeof agentChunkSchema>;
export type AgentComplete = z.infer<typeof agentCompleteSchema>;
export type AgentError = z.infer<typeof agentErrorSchema>;
export type AgentMessage = z.infer<typeof agentMessageSchema>;
export type SequencedMessage = Extract<AgentMessage, { seq: number }>;
export type MessageResult = z.infer<typeof messageResultSchema>;
export type PostAnswer = z.infer<typeof postAnswerSchema>;
export type AgentStatus = z.infer<typeof agentStatusSchema>;
