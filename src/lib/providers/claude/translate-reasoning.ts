import { GatewayError } from "../../http/errors.ts";
import type { ClaudeModelTraits } from "./models.ts";

/** `reasoning_effort` as the Messages API takes it. */
export interface TranslatedReasoning {
  readonly thinking?: Record<string, unknown>;
  readonly effort?: string;
  /** False when the target cannot do what was asked. */
  readonly honoured: boolean;
}

/** Anthropic's least thinking budget, in tokens (platform.claude.com/docs, Extended thinking). */
const MIN_BUDGET_TOKENS = 1024;

/** Thinking budgets of the generations before `effort`, in tokens; never more than half of the answer's. */
const BUDGET_TOKENS: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    minimal: 1024,
    low: 2048,
    medium: 8192,
    high: 16_384,
    xhigh: 32_768,
    max: 32_768,
  }),
);

/**
 * What `reasoning_effort` means for a model (platform.claude.com/docs: Adaptive thinking, Effort, Extended thinking).
 * Adaptive models get `output_config.effort` and, where it has to be asked for, adaptive thinking with its summary
 * shown; older ones a budget. `none` leaves thinking out or disables it; where that cannot be, the effort is `low` and
 * the parameter counts as not honoured.
 *
 * @param forcedTool Whether `tool_choice` forces a call, which Anthropic refuses together with explicit thinking.
 * @throws GatewayError 400 on an effort that is not known.
 */
export function translateReasoning(
  reasoningEffort: string | null | undefined,
  traits: ClaudeModelTraits,
  maxTokens: number,
  forcedTool: boolean,
): TranslatedReasoning {
  if (reasoningEffort === undefined || reasoningEffort === null) return { honoured: true };
  if (reasoningEffort === "none") return translateNone(traits);
  const budgetTokens = BUDGET_TOKENS.get(reasoningEffort);
  if (budgetTokens === undefined) {
    throw new GatewayError("unsupported_value", `The reasoning effort '${reasoningEffort}' is not known.`, {
      param: "reasoning_effort",
    });
  }
  if (traits.thinking === "none") return { honoured: false };
  if (traits.thinking === "budget")
    return translateBudget(Math.min(budgetTokens, Math.floor(maxTokens / 2)), forcedTool);
  return {
    effort: toEffort(reasoningEffort, traits.highestEffort),
    ...(forcedTool ? {} : { thinking: { type: "adaptive", ...(traits.sampling ? {} : { display: "summarized" }) } }),
    honoured: true,
  };
}

function translateNone(traits: ClaudeModelTraits): TranslatedReasoning {
  if (traits.thinking === "adaptive-always") return { effort: "low", honoured: false };
  if (traits.thinking === "adaptive-default") return { thinking: { type: "disabled" }, honoured: true };
  return { honoured: true };
}

function translateBudget(budgetTokens: number, forcedTool: boolean): TranslatedReasoning {
  if (forcedTool || budgetTokens < MIN_BUDGET_TOKENS) return { honoured: false };
  return { thinking: { type: "enabled", budget_tokens: budgetTokens }, honoured: true };
}

function toEffort(reasoningEffort: string, highest: ClaudeModelTraits["highestEffort"]): string {
  if (reasoningEffort === "minimal") return "low";
  if (reasoningEffort === "xhigh") return highest;
  if (reasoningEffort === "max") return highest === "high" ? "high" : "max";
  return reasoningEffort;
}
