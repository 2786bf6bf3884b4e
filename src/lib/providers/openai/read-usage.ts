import { isFields } from "../../openai/fields.ts";
import type { Usage } from "../../openai/usage.ts";

const COUNT_MAX = 2 ** 31 - 1;

/**
 * The tokens that an upstream's `usage` (OpenAI `CompletionUsage`) tells, for the row. What is no sane count (negative,
 * fractional, 2^31 or more, no number) was not told: a detail is then left out, a total is added up, and without both
 * main counts the whole is `undefined`.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isFields(value)) return undefined;
  const prompt = readCount(value["prompt_tokens"]);
  const completion = readCount(value["completion_tokens"]);
  if (prompt === undefined || completion === undefined) return undefined;
  const promptDetails = value["prompt_tokens_details"];
  const completionDetails = value["completion_tokens_details"];
  return {
    ...value,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: readCount(value["total_tokens"]) ?? prompt + completion,
    prompt_tokens_details: isFields(promptDetails)
      ? {
          ...promptDetails,
          cached_tokens: readDetail(promptDetails["cached_tokens"]),
          cache_write_tokens: readDetail(promptDetails["cache_write_tokens"]),
        }
      : undefined,
    completion_tokens_details: isFields(completionDetails)
      ? { ...completionDetails, reasoning_tokens: readDetail(completionDetails["reasoning_tokens"]) }
      : undefined,
  };
}

/** A count as the request log can hold it. */
function readCount(value: unknown): number | undefined {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= COUNT_MAX ? Number(value) : undefined;
}

function readDetail(value: unknown): number | null | undefined {
  return value === null ? null : readCount(value);
}
