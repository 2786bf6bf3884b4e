import type { Usage } from "../../openai/usage.ts";
import { isFields, type Fields } from "../../openai/fields.ts";

/** What Anthropic told so far about one message's tokens. Its counts are cumulative: a later one replaces the former. */
export interface ClaudeUsageCounts {
  inputTokens?: number;
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  thinkingTokens?: number;
}

/** The largest count that is believed and that the request log can hold. */
const MAX_COUNT = 2 ** 31 - 1;

function readCount(source: Fields, name: string): number | undefined {
  const value = source[name];
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

/** Takes the counts of one `usage` object (of `message_start`, `message_delta` or a whole message) over what was known. */
export function mergeClaudeUsage(known: ClaudeUsageCounts, usage: unknown): ClaudeUsageCounts {
  if (!isFields(usage)) return known;
  const merged = { ...known };
  const inputTokens = readCount(usage, "input_tokens");
  const outputTokens = readCount(usage, "output_tokens");
  const cacheReadTokens = readCount(usage, "cache_read_input_tokens");
  const cacheWriteTokens = readCount(usage, "cache_creation_input_tokens");
  const details = usage["output_tokens_details"];
  const thinkingTokens = isFields(details) ? readCount(details, "thinking_tokens") : undefined;
  if (inputTokens !== undefined) merged.inputTokens = inputTokens;
  if (outputTokens !== undefined) merged.outputTokens = outputTokens;
  if (cacheReadTokens !== undefined) merged.cacheReadTokens = cacheReadTokens;
  if (cacheWriteTokens !== undefined) merged.cacheWriteTokens = cacheWriteTokens;
  if (thinkingTokens !== undefined) merged.thinkingTokens = thinkingTokens;
  return merged;
}

/**
 * Token counts in OpenAI's shape. Anthropic's `input_tokens` leaves out what was read from or written to the prompt
 * cache, so prompt = input + cache read + cache creation (platform.claude.com/docs, Prompt caching). `undefined`
 * where the input or output count was not told; a detail that was not told is absent. What is no sane count (negative,
 * fractional, 2^31 or more, no number) counts as not told.
 */
export function toUsage(counts: ClaudeUsageCounts): Usage | undefined {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens } = counts;
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const promptTokens = inputTokens + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  if (promptTokens > MAX_COUNT) return undefined;
  const usage: Usage = {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
  };
  if (cacheReadTokens !== undefined || cacheWriteTokens !== undefined) {
    usage.prompt_tokens_details = {
      ...(cacheReadTokens === undefined ? {} : { cached_tokens: cacheReadTokens }),
      ...(cacheWriteTokens === undefined ? {} : { cache_write_tokens: cacheWriteTokens }),
    };
  }
  if (thinkingTokens !== undefined) usage.completion_tokens_details = { reasoning_tokens: thinkingTokens };
  return usage;
}
