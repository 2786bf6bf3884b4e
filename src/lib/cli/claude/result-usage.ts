import type { Usage } from "../../openai/usage.ts";
import type { Fields } from "../../openai/fields.ts";
import { mergeClaudeUsage, toUsage } from "../../providers/claude/translate-usage.ts";

/**
 * The tokens of a `result` line: one turn, summed over its requests. The CLI writes 0 for what it does not know: after
 * an answer by its fallback request (2.1.197) all counts, and thinking tokens whenever the API did not tell them. Those
 * are unknown here, never 0.
 */
export function readResultUsage(usage: Fields | undefined): Usage | undefined {
  const counts = mergeClaudeUsage({}, usage);
  if (counts.thinkingTokens === 0) delete counts.thinkingTokens;
  const total = toUsage(counts);
  return total === undefined || total.total_tokens === 0 ? undefined : total;
}
