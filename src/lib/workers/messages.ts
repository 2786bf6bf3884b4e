/**
 * What the home process and its workers say to each other over the IPC channel of `node:child_process`. The single
 * definition for both ends. Messages of others on the channel (a metrics library's) are left alone.
 */
import { z } from "zod";
import type { LiveRequest } from "../usage/live-requests.ts";
import type { RequestRecord } from "../usage/record.ts";

/** Names in one question, rows in one delivery. */
export const MAX_BATCH = 500;

const clientKeySchema = z.object({ id: z.string(), name: z.string() });

const recordSchema: z.ZodType<RequestRecord> = z.object({
  id: z.string(),
  createdAtMs: z.number(),
  keyId: z.string().nullable(),
  keyName: z.string().nullable(),
  requestedModel: z.string().nullable(),
  servedModel: z.string().nullable(),
  provider: z.string().nullable(),
  agentId: z.string().nullable(),
  status: z.number(),
  errorCode: z.string().nullable(),
  promptTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  cachedTokens: z.number().nullable(),
  reasoningTokens: z.number().nullable(),
  tokensEstimated: z.boolean(),
  costUsd: z.number().nullable(),
  firstTokenMs: z.number().nullable(),
  totalMs: z.number(),
  streamed: z.boolean(),
  clientGone: z.boolean(),
  attempts: z.number(),
});

const liveSchema: z.ZodType<LiveRequest> = z.object({
  id: z.string(),
  createdAtMs: z.number(),
  keyName: z.string().nullable(),
  requestedModel: z.string(),
  streamed: z.boolean(),
  provider: z.string().nullable(),
  servedModel: z.string().nullable(),
  agentId: z.string().nullable(),
  phase: z.enum(["routing", "waiting", "streaming"]),
});

const quotaSchema = z.object({ limit: z.number(), remaining: z.number(), resetMs: z.number() });

/** A verdict without its release, which stays with the home under the number of the place. */
const placeVerdictSchema = z.object({
  admitted: z.boolean(),
  reason: z.enum(["rate", "concurrency", "full", "away"]).optional(),
  retryAfterMs: z.number().optional(),
  quota: quotaSchema.optional(),
});

/** Questions of a worker, each with the schema of its answer. */
export const ANSWERS = {
  keys: z.array(z.tuple([z.string(), clientKeySchema])),
  rows: z.null(),
  reserve: z.array(placeVerdictSchema),
} as const;

export const questionSchema = z.discriminatedUnion("kind", [
  /** Whose these hashes are. */
  z.object({ kind: z.literal("keys"), hashes: z.array(z.string()).max(MAX_BATCH) }),
  /** Rows for the log, and how many were lost before. The answer says that they are taken. */
  z.object({ kind: z.literal("rows"), rows: z.array(recordSchema).max(MAX_BATCH), lost: z.int() }),
  /** Places under the limits of keys, numbered by the worker, which gives them back by number. */
  z.object({ kind: z.literal("reserve"), places: z.array(z.object({ place: z.int(), keyId: z.string() })) }),
]);

export const fromWorkerSchema = z.discriminatedUnion("codewise", [
  z.object({ codewise: z.literal("question"), call: z.int(), question: questionSchema }),
  z.object({ codewise: z.literal("release"), places: z.array(z.int()) }),
  /** How many model calls run, and which of them the dashboard shows. */
  z.object({ codewise: z.literal("state"), active: z.int(), live: z.array(liveSchema) }),
  /** No call runs and every row was taken. */
  z.object({ codewise: z.literal("drained") }),
  /** Its metrics as prom-client has them in JSON, as an answer to that call. */
  z.object({ codewise: z.literal("metrics"), call: z.int(), metrics: z.array(z.looseObject({ name: z.string() })) }),
  /** It takes connections. */
  z.object({ codewise: z.literal("ready") }),
]);

/** A provider of the home as workers know it: what it would take, by name or by an entry with a trailing `*`. */
const offerSchema = z.object({ id: z.string(), models: z.array(z.string()), owner: z.string().nullable() });

export const fromHomeSchema = z.discriminatedUnion("codewise", [
  z.object({
    codewise: z.literal("start"),
    slot: z.int(),
    /** Where the home is reached. */
    socketPath: z.string(),
  }),
  /** A client's connection, which comes along as a handle. */
  z.object({ codewise: z.literal("connection") }),
  /** The home stands: serve. */
  z.object({ codewise: z.literal("serve"), loopId: z.string(), offers: z.array(offerSchema) }),
  z.object({ codewise: z.literal("offers"), offers: z.array(offerSchema) }),
  z.object({ codewise: z.literal("admitted"), hash: z.string() }),
  z.object({ codewise: z.literal("revoked"), id: z.string() }),
  z.object({ codewise: z.literal("answer"), call: z.int(), value: z.unknown() }),
  z.object({
    codewise: z.literal("refusal"),
    call: z.int(),
    code: z.string(),
    message: z.string(),
    retryAfterMs: z.number().optional(),
  }),
  z.object({ codewise: z.literal("metrics"), call: z.int() }),
  /** Take no new calls. */
  z.object({ codewise: z.literal("drain") }),
  /** End the calls that run. */
  z.object({ codewise: z.literal("end") }),
  /** No connection comes any more: let what runs end, and exit. */
  z.object({ codewise: z.literal("close") }),
]);

export type Question = z.infer<typeof questionSchema>;
export type QuestionKind = Question["kind"];
export type Answer<Kind extends QuestionKind> = z.infer<(typeof ANSWERS)[Kind]>;
export type FromWorker = z.infer<typeof fromWorkerSchema>;
export type FromHome = z.infer<typeof fromHomeSchema>;
export type HomeOffer = z.infer<typeof offerSchema>;
export type MetricsSnapshot = readonly { readonly name: string }[];
export type PlaceVerdict = z.infer<typeof placeVerdictSchema>;
