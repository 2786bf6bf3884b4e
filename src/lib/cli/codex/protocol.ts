import { z } from "zod";

/**
 * What `codex app-server` says, as far as it is read (`codex app-server generate-ts --experimental`, 0.169.0). All are
 * loose: unknown fields are ignored.
 */

const idSchema = z.union([z.string(), z.number()]);

/** One line: a response, a notification, or a request of the server's. JSON-RPC 2.0 without its `jsonrpc` member. */
export const lineSchema = z.looseObject({
  id: idSchema.optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.looseObject({ message: z.string() }).optional(),
});

/** What most notifications and requests say about their place. */
export const placeSchema = z.looseObject({ threadId: z.string().nullish() });

export const threadStartedSchema = z.looseObject({
  thread: z.looseObject({ id: z.string() }),
  model: z.string(),
  instructionSources: z.array(z.unknown()).nullish(),
});

export const turnStartedSchema = z.looseObject({ turn: z.looseObject({ id: z.string() }) });

export const authStatusSchema = z.looseObject({
  authMethod: z.string().nullish(),
  requiresOpenaiAuth: z.boolean().nullish(),
});

export const modelListSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

const count = z.int().nonnegative();
export const tokenUsageSchema = z.looseObject({
  inputTokens: count,
  cachedInputTokens: count.nullish(),
  outputTokens: count,
  reasoningOutputTokens: count.nullish(),
  totalTokens: count,
});
export type TokenUsage = z.infer<typeof tokenUsageSchema>;

const turnErrorSchema = z.looseObject({ message: z.string(), codexErrorInfo: z.unknown().optional() });
export type TurnError = z.infer<typeof turnErrorSchema>;

const textDeltaSchema = z.looseObject({ itemId: z.string(), delta: z.string() });
const itemSchema = z.looseObject({ item: z.looseObject({ type: z.string(), id: z.string() }) });

/** The notifications that a turn is read from, by method. */
export const turnSchemas = {
  "item/agentMessage/delta": textDeltaSchema,
  "item/reasoning/summaryTextDelta": textDeltaSchema,
  "item/reasoning/textDelta": textDeltaSchema,
  "item/reasoning/summaryPartAdded": z.looseObject({ itemId: z.string(), summaryIndex: z.number() }),
  "item/started": itemSchema,
  "item/completed": itemSchema,
  "item/tool/call": z.looseObject({ callId: z.string() }),
  "rawResponseItem/completed": z.looseObject({ item: z.looseObject({ type: z.string() }) }),
  "rawResponse/completed": z.looseObject({ usage: tokenUsageSchema.nullish() }),
  "thread/tokenUsage/updated": z.looseObject({ tokenUsage: z.looseObject({ total: tokenUsageSchema }) }),
  error: z.looseObject({ error: turnErrorSchema, willRetry: z.boolean() }),
  "turn/completed": z.looseObject({
    turn: z.looseObject({ status: z.string(), error: turnErrorSchema.nullish() }),
  }),
} as const;

const contentSchema = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish();
/** An item of the conversation as a thread tells it again before its turn. */
export const retoldItemSchema = z.looseObject({
  item: z.looseObject({ content: contentSchema, output: contentSchema }),
});

/** A function that the model calls, as the Responses API gives it. */
export const functionCallSchema = z.looseObject({
  type: z.literal("function_call"),
  call_id: z.string(),
  name: z.string(),
  namespace: z.string().nullish(),
  arguments: z.string(),
});

const windowSchema = z.looseObject({ usedPercent: z.number(), resetsAt: z.number().nullish() });
export const rateLimitsSchema = z.looseObject({
  rateLimits: z.looseObject({ primary: windowSchema.nullish(), secondary: windowSchema.nullish() }),
});
export type RateLimits = z.infer<typeof rateLimitsSchema>["rateLimits"];
