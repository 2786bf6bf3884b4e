import type { AgentManager } from "../agent/manager.ts";
import { CLI_NAMES, modelsOfCli } from "../cli/model-names.ts";
import { CLAUDE_ALIAS_MODELS } from "../providers/claude/models.ts";
import { AGENT_PROVIDERS } from "../providers/cli-providers.ts";
import type { HomeOffer } from "./messages.ts";

/** What the local CLI would take. Whether it is there and logged in is the home's own question, request by request. */
const CLAUDE_MODELS: readonly string[] = [...CLAUDE_ALIAS_MODELS.map(({ id }) => id), "claude-*"];

/** Changes within this time are one, in milliseconds. */
const SETTLE_MS = 20;

export interface HomeOffersOptions {
  readonly manager: Pick<AgentManager, "offers" | "subscribe">;
  readonly hasLocalCli: boolean;
  /** Told when the offers are others than before. */
  readonly onChanged: (offers: readonly HomeOffer[]) => void;
}

export interface HomeOffers {
  current(): readonly HomeOffer[];
  stop(): void;
}

/** Watches what the home's providers offer, for the workers. */
export function watchHomeOffers(options: HomeOffersOptions): HomeOffers {
  const { manager, hasLocalCli, onChanged } = options;
  const read = (): readonly HomeOffer[] => [
    // Also without an agent: it says that there are such providers.
    ...Object.values(AGENT_PROVIDERS).map((id) => ({ id, models: [], owner: null })),
    ...agentOffers(manager),
    ...(hasLocalCli ? [{ id: "claude-cli", models: [...CLAUDE_MODELS], owner: null }] : []),
  ];
  let offers = read();
  let asText = JSON.stringify(offers);
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    timer = undefined;
    const newest = read();
    const newText = JSON.stringify(newest);
    if (newText === asText) return;
    offers = newest;
    asText = newText;
    onChanged(offers);
  };
  // Agents' requests change their status far more often than they change what is on offer.
  const unsubscribe = manager.subscribe(() => {
    timer ??= setTimeout(refresh, SETTLE_MS).unref();
  });
  return {
    current: () => offers,
    stop: () => {
      unsubscribe();
      clearTimeout(timer);
    },
  };
}

/** For each CLI one offer for each owner, and one of those that serve all keys. */
function agentOffers(manager: Pick<AgentManager, "offers">): HomeOffer[] {
  const models = new Map<string | null, Set<string>>();
  for (const offer of manager.offers()) {
    models.set(offer.owner, new Set([...(models.get(offer.owner) ?? []), ...offer.models]));
  }
  return [...models].flatMap(([owner, ids]) =>
    CLI_NAMES.map((cli) => ({ id: AGENT_PROVIDERS[cli], models: [...modelsOfCli(cli, [...ids])], owner })).filter(
      (offer) => offer.models.length > 0,
    ),
  );
}
