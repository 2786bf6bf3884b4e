import type { ProviderRegistry } from "../providers/index.ts";
import type { ProviderModel } from "../providers/types.ts";
import { isClaudeModel, isClaudeProvider, splitForcedProvider, type ProviderOffer } from "./resolve-targets.ts";

// A provider hands out the same array until its catalogue changes, so the set is built once per catalogue.
const idsOfSnapshot = new WeakMap<readonly ProviderModel[], ReadonlySet<string>>();

const NO_IDS: ReadonlySet<string> = new Set();

/**
 * A snapshot of what the providers that can matter offer for a model (with or without its `provider/` prefix), for
 * `resolveTargets`: the forced provider alone, else all. Only those whose list decides are asked for it: neither a
 * forced provider, nor the Claude family for a Claude model.
 */
export async function collectOffers(registry: ProviderRegistry, requested: string): Promise<readonly ProviderOffer[]> {
  const providers = registry.list();
  const { providerId, model } = splitForcedProvider(
    requested,
    providers.map((provider) => provider.id),
  );
  const forced = providers.find((provider) => provider.id === providerId);
  if (forced !== undefined) return [{ id: forced.id, available: forced.isAvailable(model), models: NO_IDS }];
  const forClaude = isClaudeModel(model);
  return await Promise.all(
    providers.map(async (provider) => ({
      id: provider.id,
      available: provider.isAvailable(model),
      models: forClaude && isClaudeProvider(provider.id) ? NO_IDS : idsOf(await provider.getModels()),
    })),
  );
}

function idsOf(models: readonly ProviderModel[]): ReadonlySet<string> {
  const known = idsOfSnapshot.get(models);
  if (known !== undefined) return known;
  const ids = new Set(models.map((model) => model.id));
  idsOfSnapshot.set(models, ids);
  return ids;
}
