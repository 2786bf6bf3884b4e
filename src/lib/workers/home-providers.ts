import { offersModel } from "../agent/types.ts";
import { GatewayError } from "../http/errors.ts";
import { toWireModel, type CliName } from "../cli/model-names.ts";
import { listCliModels } from "../providers/cli-models.ts";
import type { LLMProvider, ProviderModel } from "../providers/types.ts";
import type { HomeOffer } from "./messages.ts";

/** The providers that live in the home process: what runs a CLI, here or on an agent. */
const HOME_PROVIDERS = ["claude-cli-remote", "codex-cli", "gemini-cli", "claude-cli"] as const;

const CLI_OF: Readonly<Record<(typeof HOME_PROVIDERS)[number], CliName>> = {
  "claude-cli-remote": "claude",
  "codex-cli": "codex",
  "gemini-cli": "gemini",
  "claude-cli": "claude",
};

/** The home's providers as a worker's registry has them: they say what is on offer, and are never called. */
export interface HomeProviders {
  readonly providers: readonly LLMProvider[];
  has(providerId: string): boolean;
  /** Takes the newest offers of the home. */
  update(offers: readonly HomeOffer[]): void;
}

export function createHomeProviders(offers: readonly HomeOffer[]): HomeProviders {
  const known = new Map<string, readonly HomeOffer[]>();
  const update = (newest: readonly HomeOffer[]): void => {
    for (const id of HOME_PROVIDERS) {
      const ofProvider = newest.filter((offer) => offer.id === id);
      if (ofProvider.length > 0 || known.has(id)) known.set(id, ofProvider);
    }
  };
  update(offers);
  return {
    providers: HOME_PROVIDERS.filter((id) => known.has(id)).map((id) => standIn(id, () => known.get(id) ?? [])),
    has: (id) => known.has(id),
    update,
  };
}

function standIn(id: (typeof HOME_PROVIDERS)[number], known: () => readonly HomeOffer[]): LLMProvider {
  const refuse = async (): Promise<never> => {
    throw new GatewayError("server_error", "This provider is served by the home process.");
  };
  return {
    id,
    type: id,
    isAvailable: (model, keyId) =>
      known().some(({ owner, models }) => {
        if (owner !== null && keyId !== undefined && owner !== keyId) return false;
        return model === undefined ? models.length > 0 : offersModel(models, model);
      }),
    getModels: async (keyId) =>
      listed(
        id,
        known().filter(({ owner }) => owner === null || owner === keyId),
      ),
    complete: refuse,
    stream: refuse,
    close: async () => undefined,
  };
}

/** The models of some offers, each once, without wildcards. */
function listed(id: (typeof HOME_PROVIDERS)[number], offers: readonly HomeOffer[]): readonly ProviderModel[] {
  const names = new Set(offers.flatMap(({ models }) => models));
  return listCliModels(
    CLI_OF[id],
    [...names].map((name) => toWireModel(CLI_OF[id], name)),
  );
}
