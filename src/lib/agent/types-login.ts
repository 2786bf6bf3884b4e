/**
 * How an agent gets a token of its own, in the manner of RFC 8628. The single definition: the agent bundles this file.
 * See docs/agent-protocol.md.
 */
import { z } from "zod";
import { agentIdSchema } from "./types.ts";

/** What every token of a login begins with. */
export const AGENT_TOKEN_PREFIX = "cwa_";

/** Whose requests an agent serves: those of its owner's key, or those of all keys. */
export const shareSchema = z.enum(["owner", "all"]);

/** What an operator reads in a terminal or on a page: nothing that steers either. */
const shownSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\x20-\x7e]+$/, "printable ASCII only");

/** `POST /api/agent/login`. */
export const loginRequestSchema = z.object({ agentId: agentIdSchema, version: shownSchema, platform: shownSchema });
/** Its answer. Durations in milliseconds. */
export const loginAnswerSchema = z.looseObject({
  /** Known to the agent only; 256 bits. */
  deviceCode: z.string().min(1).max(128),
  /** For a human to read and type, such as `BCDF-GHJK`. */
  userCode: z.string().regex(/^[A-Z0-9-]{4,32}$/),
  expiresInMs: z.int().positive(),
  /** Least time from one poll to the next. */
  intervalMs: z.int().positive(),
});

/** `POST /api/agent/login/poll`. */
export const pollRequestSchema = z.object({ deviceCode: z.string().min(1).max(128) });
/** Its answer; `token` is sent this once. */
export const pollAnswerSchema = z.discriminatedUnion("status", [
  z.looseObject({ status: z.literal("pending") }),
  z.looseObject({
    status: z.literal("approved"),
    token: z
      .string()
      .max(512)
      .regex(/^[\x21-\x7e]+$/),
    agentId: agentIdSchema,
    /** Whose requests it will be given: the name of the key that it belongs to, and whether those of all others too. */
    owner: z.string(),
    share: shareSchema,
  }),
]);

/** `POST /api/agent/login/approve`, by the owner of the key that is the bearer. */
export const approveRequestSchema = z.object({ userCode: z.string().min(1).max(32), share: shareSchema.optional() });
/** Its answer, and that of the operator's approval. */
export const approvedSchema = z.object({
  agentId: z.string(),
  keyId: z.string(),
  share: shareSchema,
  /** What the agent said of itself, and where it is: for whoever has approved it to see whether it is the one. */
  version: z.string(),
  platform: z.string(),
  remoteAddress: z.string(),
});

export type Share = z.infer<typeof shareSchema>;
export type LoginRequest = z.infer<typeof loginRequestSchema>;
export type LoginAnswer = z.infer<typeof loginAnswerSchema>;
export type PollAnswer = z.infer<typeof pollAnswerSchema>;
export type Approved = z.infer<typeof approvedSchema>;
