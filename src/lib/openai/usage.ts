import { z } from "zod";

/** Token counts in OpenAI's shape. Counts that the source did not tell are absent, never 0. */
export const usageSchema = z.looseObject({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  total_tokens: z.int().nonnegative(),
  prompt_tokens_details: z
    .looseObject({
      cached_tokens: z.int().nonnegative().nullish(),
      cache_write_tokens: z.int().nonnegative().nullish(),
    })
    .nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.int().nonnegative().nullish() }).nullish(),
});

export type Usage = z.infer<typeof usageSchema>;

export const FINISH_REASONS = ["stop", "length", "tool_calls", "content_filter", "function_call"] as const;
export const finishReasonSchema = z.enum(FINISH_REASONS);
export type FinishReason = z.infer<typeof finishReasonSchema>;
