/** Shapes of the admin API: what the dashboard and `npm run keys` read and send. The single definition for both ends. */
import { z } from "zod";
import { shareSchema } from "../agent/types-login.ts";
import { agentStatusSchema } from "../agent/types.ts";

export const keyViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** First characters of the key, enough to tell keys apart. */
  start: z.string(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
/** Names are shown in terminals, and the database refuses NUL. */
const keyNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((name) => !/\p{Cc}/u.test(name), "must not hold control characters");
export const createKeyRequestSchema = z.object({ name: keyNameSchema });
/** `key` is shown here once and stored nowhere. */
export const createdKeySchema = keyViewSchema.extend({ key: z.string() });
export const keyListSchema = z.object({ keys: z.array(keyViewSchema) });

/** An agent that was let in by a login. */
export const agentEnrolmentViewSchema = z.object({
  id: z.string(),
  agentId: z.string(),
  owner: z.object({ keyId: z.string(), name: z.string() }),
  share: shareSchema,
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export const agentEnrolmentListSchema = z.object({ agents: z.array(agentEnrolmentViewSchema) });
/** A login that waits for approval. */
const pendingLoginViewSchema = z.object({
  userCode: z.string(),
  agentId: z.string(),
  version: z.string(),
  platform: z.string(),
  remoteAddress: z.string(),
  ageMs: z.int(),
});
export const pendingLoginsSchema = z.object({ logins: z.array(pendingLoginViewSchema) });
export const approveLoginRequestSchema = z.object({ keyId: z.string().min(1).max(64), share: shareSchema.optional() });

export const requestViewSchema = z.object({
  id: z.string(),
  createdAt: z.iso.datetime(),
  keyName: z.string().nullable(),
  requestedModel: z.string().nullable(),
  servedModel: z.string().nullable(),
  provider: z.string().nullable(),
  agentId: z.string().nullable(),
  status: z.int(),
  errorCode: z.string().nullable(),
  promptTokens: z.int().nullable(),
  completionTokens: z.int().nullable(),
  cachedTokens: z.int().nullable(),
  reasoningTokens: z.int().nullable(),
  tokensEstimated: z.boolean(),
  firstTokenMs: z.number().nullable(),
  totalMs: z.number(),
  streamed: z.boolean(),
  clientGone: z.boolean(),
});

export const liveRequestViewSchema = z.object({
  id: z.string(),
  createdAt: z.iso.datetime(),
  ageMs: z.int(),
  keyName: z.string().nullable(),
  requestedModel: z.string(),
  servedModel: z.string().nullable(),
  provider: z.string().nullable(),
  agentId: z.string().nullable(),
  phase: z.enum(["routing", "waiting", "streaming"]),
  streamed: z.boolean(),
});

/** `GET /api/admin/overview`, and the data of each `overview` event of `GET /api/admin/events`. */
export const overviewSchema = z.object({
  /** ISO 8601, server clock. */
  now: z.iso.datetime(),
  version: z.string(),
  /** Base URL for an OpenAI client, ending in `/v1`. */
  baseUrl: z.string(),
  database: z.object({ kind: z.enum(["embedded", "postgres"]), reachable: z.boolean(), droppedRecords: z.int() }),
  agents: agentStatusSchema,
  providers: z.array(z.object({ id: z.string(), available: z.boolean(), models: z.array(z.string()) })),
  inFlight: z.array(liveRequestViewSchema),
  requests: z.array(requestViewSchema),
});

export const signInRequestSchema = z.object({ key: z.string().min(1).max(512) });

export type KeyView = z.infer<typeof keyViewSchema>;
export type CreatedKey = z.infer<typeof createdKeySchema>;
export type AgentEnrolmentView = z.infer<typeof agentEnrolmentViewSchema>;
export type PendingLoginView = z.infer<typeof pendingLoginViewSchema>;
export type RequestView = z.infer<typeof requestViewSchema>;
export type LiveRequestView = z.infer<typeof liveRequestViewSchema>;
export type Overview = z.infer<typeof overviewSchema>;
