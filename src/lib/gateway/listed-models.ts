import type { ProviderRegistry } from "../providers/index.ts";

/** How old a list may be that says no, in milliseconds. */
const MAX_AGE_MS = 1000;

interface KnownList {
  ids: ReadonlySet<string>;
  askedAt: number;
  asking: Promise<void> | undefined;
}

/**
 * Makes the function that tells whether a provider lists a model: at once where the last list has it or is of this second,
 * else once the list was asked for again (a snapshot: see `LLMProvider.getModels`). Names that nobody lists are not kept.
 */
export function createListedModels(
  registry: ProviderRegistry,
  now: () => number = () => performance.now(),
): (providerId: string, model: string) => boolean | Promise<boolean> {
  const lists = new Map<string, KnownList>();
  return (providerId, model) => {
    const provider = registry.get(providerId);
    if (provider === undefined) return false;
    let list = lists.get(providerId);
    if (list === undefined) {
      list = { ids: new Set(), askedAt: Number.NEGATIVE_INFINITY, asking: undefined };
      lists.set(providerId, list);
    }
    if (list.ids.has(model)) return true;
    if (list.asking === undefined && now() - list.askedAt < MAX_AGE_MS) return false;
    const known = list;
    known.asking ??= Promise.resolve(provider.getModels()).then((models) => {
      known.ids = new Set(models.map(({ id }) => id));
      known.askedAt = now();
      known.asking = undefined;
    });
    return known.asking.then(() => known.ids.has(model));
  };
}
