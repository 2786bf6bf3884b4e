import { offersModel } from "../agent/types.ts";
import { GatewayError } from "../http/errors.ts";
import type { LLMProvider, ProviderModel } from "../providers/types.ts";
import type { HomeOffer } from "./messages.ts";

/** The providers that live in the home process: what runs a CLI, here or on an agent. */
const HOME_PROVIDERS = ["claude-cli-remote", "claude-cli"] as const;

/** The home's providers as a worker's registry has them: they say what is on offer, and are never called. */
export interface HomeProviders {
  readonly providers: readonly LLMProvider[];
  has(providerId: string): boolean;
  /** Takes the newest offers of the home. */
  update(offers: readonly HomeOffer[]): void;
}

interface Known {
  readonly patterns: readonly string[];
  readonly models: readonly ProviderModel[];
}

export function createHomeProviders(offers: readonly HomeOffer[]): HomeProviders {
  const known = new Map<string, Known>();
  const update = (newest: readonly HomeOffer[]): void => {
    for (const { id, models } of newest) {
      const listed = models.filter((model) => !model.endsWith("*"));
      known.set(id, {
        patterns: models,
        models: listed.map((model) => ({ id: model, ownedBy: "anthropic", created: 0 })),
      });
    }
  };
  update(offers);
  return {
    providers: HOME_PROVIDERS.filter((id) => known.has(id)).map((id) => standIn(id, () => known.get(id))),
    has: (id) => known.has(id),
    update,
  };
}

function standIn(id: (typeof HOME_PROVIDERS)[number], known: () => Known | undefined): LLMProvider {
  const refuse = async (): Promise<never> => {
    throw new GatewayError("server_error", "This provider is served by the home process.");
  };
  const none: readonly ProviderModel[] = [];
  return {
    id,
    type: id,
    isAvailable: (model) => {
      const patterns = known()?.patterns ?? [];
      return model === undefined ? patterns.length > 0 : offersModel(patterns, model);
    },
    getModels: async () => known()?.models ?? none,
    complete: refuse,
    stream: refuse,
    close: async () => undefined,
  };
}
