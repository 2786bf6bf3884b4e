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
  if (usage === undefined || source === "none") return { tokens: estimateTokens(characters()), isEstimate: true };
  return { tokens: usage.total_tokens, isEstimate: source === "estimate" };
}
