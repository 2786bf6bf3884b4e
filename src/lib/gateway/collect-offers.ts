import type { ProviderRegistry } from "../providers/index.ts";
import type { ProviderModel } from "../providers/types.ts";
import { splitForcedProvider, type ProviderOffer } from "./resolve-targets.ts";

// A provider hands out the same array until its catalogue changes, so the set is built once per catalogue.
const idsOfSnapshot = new WeakMap<readonly ProviderModel[], ReadonlySet<string>>();

/** A snapshot of what every provider offers for a model (with or without its `provider/` prefix), for `resolveTargets`. */
export async function collectOffers(registry: ProviderRegistry, requested: string): Promise<readonly ProviderOffer[]> {
  const providers = registry.list();
  const { model } = splitForcedProvider(
    requested,
    providers.map((provider) => provider.id),
  );
  return await Promise.all(
    providers.map(async (provider) => ({
      id: provider.id,
      available: provider.isAvailable(model),
      models: idsOf(await provider.getModels()),
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
