/** What the commands say to a running agent, and what it answers: one line of JSON each. */
import { z } from "zod";

/** The longest answer that a command takes, in characters. */
export const MAX_ANSWER = 1024 * 1024;
export const MAX_PAUSE_MS = 366 * 24 * 60 * 60_000;

export const commandSchema = z.discriminatedUnion("command", [
  z.object({ command: z.literal("status") }),
  z.object({ command: z.literal("pause"), forMs: z.int().positive().max(MAX_PAUSE_MS).nullable() }),
  z.object({ command: z.literal("resume") }),
  z.object({ command: z.literal("decide"), number: z.int().positive(), verdict: z.enum(["approved", "denied"]) }),
]);
export type ControlCommand = z.infer<typeof commandSchema>;

const countSchema = z.int().nonnegative();
const timeSchema = z.number();

/** Times in epoch milliseconds. */
export const runningStatusSchema = z.object({
  pid: z.int(),
  version: z.string(),
  agentId: z.string(),
  url: z.string(),
  startedAt: timeSchema,
  /** As the last look found them, without those that are not installed and need not be. `reason`: why it is not ready. */
  clis: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().nullable(),
        ready: z.boolean(),
        reason: z.string().nullable(),
      }),
    )
    // An agent of an earlier version tells neither these nor the models.
    .default([]),
  /** What is offered to the proxy now, by the names that it asks by. */
  models: z.array(z.string()).default([]),
  /** `connecting`, `connected`, `waiting` or `closed`; `reason` of waiting. */
  connection: z.object({ state: z.string(), reason: z.string().nullable() }),
  lifecycle: z.string(),
  /** Why no requests are taken now, and until when; null where they are. */
  closure: z
    .object({ reason: z.enum(["paused", "hours", "tokens", "requests"]), until: timeSchema.nullable() })
    .nullable(),
  requests: z.array(
    z.object({ requestId: z.string(), model: z.string(), state: z.string(), ageMs: countSchema, deltas: countSchema }),
  ),
  /** What waits for the owner's word, with `--approve`. */
  questions: z.array(
    z.object({
      number: countSchema,
      requestId: z.string(),
      model: z.string(),
      characters: countSchema,
      preview: z.string(),
      expiresAt: timeSchema,
    }),
  ),
  /** Since the start. */
  totals: z.object({
    completed: countSchema,
    failed: countSchema,
    /** An agent of an earlier version counts them among those that failed. */
    cancelled: countSchema.default(0),
    refused: countSchema,
  }),
  limits: z.object({
    allowModels: z.array(z.string()).nullable(),
    hours: z.array(z.string()).nullable(),
    requestsInHour: z.object({ used: countSchema, limit: countSchema.nullable(), resetsAt: timeSchema.nullable() }),
    /** `estimated`: the part of `used` that no CLI has told. */
    tokensToday: z.object({
      used: countSchema,
      estimated: countSchema,
      limit: countSchema.nullable(),
      resetsAt: timeSchema,
    }),
  }),
});
export type RunningStatus = z.infer<typeof runningStatusSchema>;

export const controlAnswerSchema = z.union([
  z.object({ status: runningStatusSchema }),
  /** Why the command was not followed, for the owner. */
  z.object({ refusal: z.string() }),
]);
export type ControlAnswer = z.infer<typeof controlAnswerSchema>;
