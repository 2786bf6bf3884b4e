import type { MaybePromise } from "../maybe-promise.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import type { LLMProvider, ProviderModel } from "../providers/types.ts";
import { isClaudeModel } from "../providers/claude/models.ts";
import { isClaudeProvider, splitForcedProviders, type ProviderOffer } from "./resolve-targets.ts";

// A provider hands out the same array until its catalogue changes, so the set is built once per catalogue.
const idsOfSnapshot = new WeakMap<readonly ProviderModel[], ReadonlySet<string>>();

const NO_IDS: ReadonlySet<string> = new Set();
const NO_MODELS: readonly ProviderModel[] = [];

/**
 * A snapshot of what the providers that can matter offer a key for a model (with or without its `provider/` prefix), for
 * `resolveTargets`: the forced providers alone, else all. Only those whose list decides are asked for it: neither a
 * forced provider, nor the Claude family for a Claude model. At once where all those lists are known.
 */
export function collectOffers(
  registry: ProviderRegistry,
  requested: string,
  keyId: string,
): MaybePromise<readonly ProviderOffer[]> {
  const providers = registry.list();
  const { providerIds, model } = splitForcedProviders(requested, registry.ids());
  const forced = providerIds?.flatMap((id) => registry.get(id) ?? []);
  if (forced !== undefined) {
    // One that is there and does not take the model is none of those who offer it.
    return forced.flatMap((each) => {
      const available = each.isAvailable(model, keyId);
      return available || !each.isAvailable(undefined, keyId) ? [{ id: each.id, available, models: NO_IDS }] : [];
    });
  }
  const forClaude = isClaudeModel(model);
  const lists = providers.map((provider) =>
    forClaude && isClaudeProvider(provider.id) ? NO_MODELS : provider.getModels(keyId),
  );
  if (lists.every(isKnown)) return toOffers(providers, { model, keyId }, lists);
  return Promise.all(lists.map(async (list) => await list)).then((known) =>
    toOffers(providers, { model, keyId }, known),
  );
}

interface Asked {
  readonly model: string;
  readonly keyId: string;
}

type Models = readonly ProviderModel[];

function isKnown(list: MaybePromise<Models>): list is Models {
  return !(list instanceof Promise);
}

function toOffers(providers: readonly LLMProvider[], asked: Asked, lists: readonly Models[]): readonly ProviderOffer[] {
  return providers.map((provider, index) => toOffer(provider, asked, lists[index] ?? NO_MODELS));
}

function toOffer(provider: LLMProvider, { model, keyId }: Asked, listed: readonly ProviderModel[]): ProviderOffer {
  return { id: provider.id, available: provider.isAvailable(model, keyId), models: idsOf(listed) };
}

function idsOf(models: readonly ProviderModel[]): ReadonlySet<string> {
  const known = idsOfSnapshot.get(models);
  if (known !== undefined) return known;
  const ids = new Set(models.map((model) => model.id));
  idsOfSnapshot.set(models, ids);
  return ids;
}
