import type { ProviderModel } from "../types.ts";

/**
 * Anthropic's current models: the list that the `claude` CLI 2.1.329 shows in its `initialize` reply, read in
 * November 2026, and those before them that the API still serves (platform.claude.com/docs, Models overview). Ids that
 * are not listed work too: they go to the API as they are.
 */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    sonnet: "claude-sonnet-5-5",
    opus: "claude-opus-5-5",
    haiku: "claude-haiku-5-5",
  }),
);

const KNOWN_MODEL_IDS: readonly string[] = [
  ...ALIASES.values(),
  "claude-fable-5-2",
  "claude-opus-5",
  "claude-sonnet-5",
  "claude-opus-4-8",
  "claude-sonnet-4-6",
  "claude-sonnet-4-5",
  "claude-haiku-4-5",
];

/** The full id behind `sonnet`, `opus` or `haiku`; any other name is returned as it is. */
export function resolveClaudeModel(model: string): string {
  return ALIASES.get(model) ?? model;
}

/** Whether a name is an alias or has the form of a Claude model id. */
export function isClaudeModel(model: string): boolean {
  return ALIASES.has(model) || model.startsWith("claude-");
}

/** The aliases, as models of `/v1/models`. */
export const CLAUDE_ALIAS_MODELS: readonly ProviderModel[] = [...ALIASES.keys()].map(toProviderModel);

/** The aliases and the known full ids: what is offered before the API was asked. */
export const CLAUDE_STATIC_MODELS: readonly ProviderModel[] = [
  ...CLAUDE_ALIAS_MODELS,
  ...KNOWN_MODEL_IDS.map(toProviderModel),
];

function toProviderModel(id: string): ProviderModel {
  return { id, ownedBy: "anthropic", created: 0 };
}

/** What a model's generation accepts in a Messages API request. */
export interface ClaudeModelTraits {
  /** Whether `temperature` and `top_p` may differ from their defaults. */
  readonly sampling: boolean;
  /**
   * How thinking is asked for: `none` not at all, `budget` by `budget_tokens`, `adaptive` off unless asked for,
   * `adaptive-default` on unless disabled, `adaptive-always` on and cannot be disabled.
   */
  readonly thinking: "none" | "budget" | "adaptive" | "adaptive-default" | "adaptive-always";
  /** The efforts above `high` that the model knows. */
  readonly highestEffort: "high" | "max" | "xhigh";
  /** `max_tokens` for requests that do not say one: no more than any model of the generation accepts. */
  readonly defaultMaxTokens: number;
}

/** Generation as one number, such as 4.6; a date behind the family (`claude-opus-4-20250514`) is no minor version. */
function readGeneration(model: string): number | undefined {
  const match = /(?:^|[./])claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model);
  return match === null ? undefined : Number(`${match[1]}.${match[2] ?? "0"}`);
}

/**
 * Traits by generation, from platform.claude.com/docs (Migration guide, Adaptive thinking, Effort, Extended thinking):
 * budgets until 4.5; adaptive thinking and `effort` from 4.6; from 4.7 sampling parameters are refused; from 5 thinking
 * is on by default; from 5.5, and in the Fable and Mythos families, it cannot be disabled. A name without a generation
 * is taken for a current one.
 */
export function claudeModelTraits(model: string): ClaudeModelTraits {
  const generation = readGeneration(model) ?? Number.POSITIVE_INFINITY;
  if (generation < 3.5) return { sampling: true, thinking: "none", highestEffort: "high", defaultMaxTokens: 4096 };
  if (generation < 3.7) return { sampling: true, thinking: "none", highestEffort: "high", defaultMaxTokens: 8192 };
  if (generation < 4.6) return { sampling: true, thinking: "budget", highestEffort: "high", defaultMaxTokens: 32_000 };
  if (generation < 4.7) return { sampling: true, thinking: "adaptive", highestEffort: "max", defaultMaxTokens: 32_000 };
  const thinking =
    generation >= 5.5 || /(?:^|[./])claude-(fable|mythos)-/.test(model)
      ? "adaptive-always"
      : generation >= 5
        ? "adaptive-default"
        : "adaptive";
  return { sampling: false, thinking, highestEffort: "xhigh", defaultMaxTokens: 32_000 };
}
