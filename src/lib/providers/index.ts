import type { LLMProvider } from "./types.ts";

export { BUILTIN_PROVIDER_TYPES, type LLMProvider, type ProviderType } from "./types.ts";

/** The providers of this process, in the order of registration. */
export interface ProviderRegistry {
  get(id: string): LLMProvider | undefined;
  list(): readonly LLMProvider[];
  /** Ends what the providers hold open. */
  close(): Promise<void>;
}

/** Makes a registry. Throws when two providers have the same id. */
export function createProviderRegistry(providers: readonly LLMProvider[]): ProviderRegistry {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  if (byId.size !== providers.length) throw new Error("Two providers have the same id.");
  return {
    get: (id) => byId.get(id),
    list: () => providers,
    close: async () => {
      await Promise.allSettled(providers.map((provider) => provider.close()));
    },
  };
}
