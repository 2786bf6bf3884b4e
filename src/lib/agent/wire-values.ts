/**
 * The values in an agent's messages that the server keeps, shows or writes to its database, with their bounds. Unknown
 * fields are left out. What only describes (words for people, counts) is cut to its bound, since a request must not fail
 * over it; what steers (ids, numbers of messages, model names on offer) is refused.
 */
import { z } from "zod";
import type { chatDeltaSchema } from "../openai/delta.ts";
import type { usageSchema } from "../openai/usage.ts";

/** The largest `integer` of PostgreSQL, which token counts are stored as. */
const MAX_COUNT = 2_147_483_647;
const MAX_COST_USD = 1_000_000;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;
/** Parts of tool calls in one delta. */
const MAX_TOOL_CALLS = 1000;

/** Text for people: what is longer than `max` UTF-16 units is cut, and ends in `…`. */
export function wordsSchema(max: number) {
  return z.string().overwrite((text) => (text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`));
}

const atMost = (max: number) => (value: number) => Math.min(value, max);
const countSchema = z.int().nonnegative().overwrite(atMost(MAX_COUNT));

/** {@link usageSchema} with its known fields alone and counts that a database row takes. */
export const wireUsageSchema = z.object({
  prompt_tokens: countSchema,
  completion_tokens: countSchema,
  total_tokens: countSchema,
  prompt_tokens_details: z
    .object({ cached_tokens: countSchema.nullish(), cache_write_tokens: countSchema.nullish() })
    .nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: countSchema.nullish() }).nullish(),
}) satisfies z.ZodType<z.infer<typeof usageSchema>>;

export const costUsdSchema = z.number().nonnegative().overwrite(atMost(MAX_COST_USD));
export const retryAfterMsSchema = z.number().nonnegative().overwrite(atMost(MAX_RETRY_AFTER_MS));

/** {@link chatDeltaSchema} with its known fields alone: whatever else came along would be held without being counted. */
export const wireDeltaSchema = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_signature: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z
    .array(
      z.object({
        index: z.int().nonnegative(),
        id: z.string().optional(),
        type: z.literal("function").optional(),
        function: z.object({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
      }),
    )
    .max(MAX_TOOL_CALLS)
    .optional(),
}) satisfies z.ZodType<z.infer<typeof chatDeltaSchema>>;
