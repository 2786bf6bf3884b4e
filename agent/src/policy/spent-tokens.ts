/** What a request used, by the CLI's word where there is one. */
import type { Usage } from "../../../src/lib/openai/usage.ts";
import type { SpentTokens } from "./usage-ledger.ts";

const CHARACTERS_PER_TOKEN = 4;

/** A rough count for a text of so many characters (UTF-16 units). */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/**
 * Tokens of prompt and answer, cached ones included. Where the CLI told none, as of a run that was cancelled, they are
 * estimated from the characters that went in and came out, which are counted for this only.
 */
export function spentTokens(
  usage: Usage | undefined,
  source: "cli" | "estimate" | "none",
  characters: () => number,
): SpentTokens {
  // No run uses nothing.
  if (usage === undefined || usage.total_tokens === 0 || source === "none")
    return { tokens: estimateTokens(characters()), isEstimate: true };
  return { tokens: usage.total_tokens, isEstimate: source === "estimate" };
}

/**
 * As {@link spentTokens}, of a run that failed or was cut: what its CLI had told by then may lack the answer, which counts
 * by its characters at least.
 */
export function spentTokensSoFar(
  usage: Usage | undefined,
  characters: () => number,
  answerCharacters: number,
): SpentTokens {
  const told = spentTokens(usage, "cli", characters);
  const least = (usage?.prompt_tokens ?? 0) + estimateTokens(answerCharacters);
  return least > told.tokens ? { tokens: least, isEstimate: true } : told;
}
