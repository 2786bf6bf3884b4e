import { offersModel } from "../agent/types.ts";
import { GatewayError } from "../http/errors.ts";
import { splitWireModel, toWireModel } from "../cli/model-names.ts";
import { listCliModels } from "../providers/cli-models.ts";
import { AGENT_PROVIDERS, CLI_OF_PROVIDER } from "../providers/cli-providers.ts";
import type { LLMProvider, ProviderModel, ProviderType } from "../providers/types.ts";
import type { HomeOffer } from "./messages.ts";

const MAX_LISTS = 1000;

/** The providers that live in the home process: what runs a CLI, here or on an agent. */
const HOME_PROVIDERS: readonly ProviderType[] = [...Object.values(AGENT_PROVIDERS), "claude-cli"];

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

function standIn(id: ProviderType, known: () => readonly HomeOffer[]): LLMProvider {
  const refuse = async (): Promise<never> => {
    throw new GatewayError("server_error", "This provider is served by the home process.");
  };
  /** By key, for the offers that they were made of: every request for another provider's model asks. */
  let lists = new Map<string | undefined, readonly ProviderModel[]>();
  let listedOffers: readonly HomeOffer[] = [];
  const getModels = (keyId?: string): readonly ProviderModel[] => {
    const offers = known();
    if (offers !== listedOffers || lists.size >= MAX_LISTS) [lists, listedOffers] = [new Map(), offers];
    const list = lists.get(keyId) ?? listFor(id, offers, keyId);
    lists.set(keyId, list);
    return list;
  };
  return {
    id,
    type: id,
    isAvailable: (model, keyId) =>
      known().some(({ owner, models }) => {
        if (owner !== null && keyId !== undefined && owner !== keyId) return false;
        if (model === undefined) return models.length > 0;
        const cli = CLI_OF_PROVIDER[id];
        const isOwn = cli !== undefined && splitWireModel(toWireModel(cli, model)).cli === cli;
        return isOwn && offersModel(models, model);
      }),
    getModels,
    complete: refuse,
    stream: refuse,
    close: async () => undefined,
  };
}

/** The models that some offers have for a key, each once, without wildcards. */
function listFor(id: ProviderType, offers: readonly HomeOffer[], keyId: string | undefined): readonly ProviderModel[] {
  const cli = CLI_OF_PROVIDER[id];
  if (cli === undefined) return [];
  const names = new Set(offers.flatMap(({ owner, models }) => (owner === null || owner === keyId ? models : [])));
  return listCliModels(
    cli,
    [...names].map((name) => toWireModel(cli, name)),
  );
}
