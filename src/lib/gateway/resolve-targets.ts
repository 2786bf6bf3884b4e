import { CLI_NAMES } from "../cli/model-names.ts";
import { GatewayError } from "../http/errors.ts";
import { isClaudeModel } from "../providers/claude/models.ts";
import { AGENT_PROVIDERS, isCliProvider } from "../providers/cli-providers.ts";
import { BUILTIN_PROVIDER_TYPES } from "../providers/types.ts";

/** What the routing knows of one provider at this moment. */
export interface ProviderOffer {
  readonly id: string;
  /** Whether it could serve this very model now. */
  readonly available: boolean;
  /** The ids it lists. Empty: it could not list them, so it is asked for ids that nobody else offers. */
  readonly models: ReadonlySet<string>;
}

export interface Target {
  readonly providerId: string;
  /** The model name for this provider. */
  readonly model: string;
}

const CLAUDE_ORDER: readonly string[] = ["claude-cli-remote", "claude-cli", "claude-api"];
const AGENT_IDS: ReadonlySet<string> = new Set(Object.values(AGENT_PROVIDERS));
/** They answer for what they list and no more: nobody's request goes to a laptop because no one else knew the model. */
const LISTED_ONLY: ReadonlySet<string> = new Set([
  ...CLAUDE_ORDER,
  ...BUILTIN_PROVIDER_TYPES.filter((type) => isCliProvider(type)),
]);
/** A prefix that stands for more than the provider of this name: a CLI here, else one on an agent. */
const WIDER_PREFIXES: Readonly<Record<string, readonly string[]>> = {
  "claude-cli": ["claude-cli", "claude-cli-remote"],
};
const RETRY_AFTER_MS = 5000;

/** Whether a provider belongs to the Claude family, which serves Claude models whether it lists them or not. */
export function isClaudeProvider(providerId: string): boolean {
  return CLAUDE_ORDER.includes(providerId);
}

/**
 * Splits `provider/model` where the first part is the id of a provider, or stands for several in order; other ids with a slash
 * stay whole, and `providerIds` is undefined then.
 */
export function splitForcedProviders(
  model: string,
  registered: readonly string[],
): { readonly providerIds: readonly string[] | undefined; readonly model: string } {
  const slash = model.indexOf("/");
  if (slash > 0 && slash < model.length - 1) {
    const prefix = model.slice(0, slash);
    const meant = Object.hasOwn(WIDER_PREFIXES, prefix) ? WIDER_PREFIXES[prefix] : [prefix];
    const providerIds = meant?.filter((id) => registered.includes(id));
    if (providerIds !== undefined && providerIds.length > 0) return { providerIds, model: model.slice(slash + 1) };
  }
  return { providerIds: undefined, model };
}

/**
 * The ordered targets for a model. Pure. `offers` are those of the registered providers, asked for the model without
 * its prefix. Throws `model_not_found` (404) when nobody offers it, `no_provider_available` (503, retry after 5 s) when
 * all who offer it are away.
 */
export function resolveTargets(requested: string, offers: readonly ProviderOffer[]): readonly Target[] {
  const { providerIds, model } = splitForcedProviders(
    requested,
    offers.map((offer) => offer.id),
  );
  const candidates = chooseCandidates(providerIds, model, offers);
  if (candidates.length === 0) {
    throw new GatewayError(
      "model_not_found",
      `The model \`${requested.slice(0, 200)}\` does not exist or no provider offers it.`,
      {
        param: "model",
      },
    );
  }
  const available = candidates.filter((offer) => offer.available);
  if (available.length === 0) {
    throw new GatewayError(
      "no_provider_available",
      `No provider for the model \`${requested.slice(0, 200)}\` is available now (${candidates.map(describe).join(", ")}).`,
      { param: "model", retryAfterMs: RETRY_AFTER_MS },
    );
  }
  // A forced provider is not to be stood in for by another, also where its prefix could mean two.
  const chosen = providerIds === undefined ? available : available.slice(0, 1);
  return chosen.map((offer) => ({ providerId: offer.id, model }));
}

function chooseCandidates(
  providerIds: readonly string[] | undefined,
  model: string,
  offers: readonly ProviderOffer[],
): readonly ProviderOffer[] {
  if (providerIds !== undefined) return inOrder(providerIds, offers);
  if (isClaudeModel(model)) {
    const claude = inOrder(CLAUDE_ORDER, offers);
    // An OpenAI-compatible upstream may list Claude ids as well; it comes after the family's own providers.
    const others = offers.filter((offer) => !isClaudeProvider(offer.id) && offer.models.has(model));
    return [...claude, ...others];
  }
  const listing = offers.filter((offer) => offer.models.has(model));
  if (listing.length > 0) return listing;
  // A CLI's short name means that CLI also while no agent has it.
  const named = inOrder(
    CLI_NAMES.flatMap((cli) => (cli === model ? [AGENT_PROVIDERS[cli]] : [])),
    offers,
  );
  if (named.length > 0) return named;
  return offers.filter((offer) => offer.models.size === 0 && !LISTED_ONLY.has(offer.id));
}

/** A provider by its id; one that stands for agents, by what is missing. */
function describe({ id }: ProviderOffer): string {
  return AGENT_IDS.has(id) ? `${id}: no agent that serves this key offers it` : id;
}

function inOrder(ids: readonly string[], offers: readonly ProviderOffer[]): readonly ProviderOffer[] {
  return ids.flatMap((id) => offers.filter((offer) => offer.id === id));
}
