import type { Usage } from "../../openai/usage.ts";
import type { TokenUsage } from "./protocol.ts";

/** Token counts in OpenAI's chat shape; the CLI's cached and reasoning tokens are parts of its input and output. */
export function mapUsage(usage: TokenUsage): Usage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoningOutputTokens ?? 0 },
  };
}
