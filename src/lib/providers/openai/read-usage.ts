import { z } from "zod";
import type { Usage } from "../../openai/usage.ts";

/** A count as the request log can hold it: a whole number from 0 to 2^31 - 1. */
const countSchema = z.int32().nonnegative();
const detailSchema = countSchema.nullish().catch(undefined);

const upstreamUsageSchema = z.looseObject({
  prompt_tokens: countSchema,
  completion_tokens: countSchema,
  total_tokens: countSchema.optional().catch(undefined),
  prompt_tokens_details: z
    .looseObject({ cached_tokens: detailSchema, cache_write_tokens: detailSchema })
    .nullish()
    .catch(undefined),
  completion_tokens_details: z.looseObject({ reasoning_tokens: detailSchema }).nullish().catch(undefined),
});

/**
 * The tokens that an upstream's `usage` (OpenAI `CompletionUsage`) tells, for the row. What is no sane count (negative,
 * fractional, 2^31 or more, no number) was not told: a detail is then left out, a total is added up, and without both
 * main counts the whole is `undefined`.
 */
export function readUsage(value: unknown): Usage | undefined {
  const parsed = upstreamUsageSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { prompt_tokens, completion_tokens, total_tokens } = parsed.data;
  return { ...parsed.data, total_tokens: total_tokens ?? prompt_tokens + completion_tokens };
}
