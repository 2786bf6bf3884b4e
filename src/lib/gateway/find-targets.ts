import type { HttpContext } from "../http/context.ts";
import { toGatewayError } from "../http/errors.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import { collectOffers } from "./collect-offers.ts";
import { resolveTargets, type ProviderOffer, type Target } from "./resolve-targets.ts";

/** The process that has the providers which this one has not. */
export interface Elsewhere {
  /** Whether a provider of the registry only stands for one over there. */
  has(providerId: string): boolean;
  /** Passes a request on whole, with its body, and its answer back. Throws GatewayError where nothing was answered. */
  passOn(context: HttpContext, body: Buffer): Promise<void>;
}

export interface FindTargetsOptions {
  readonly registry: ProviderRegistry;
  readonly model: string;
  /** The id of the client key that asks. */
  readonly keyId: string;
  readonly elsewhere: Pick<Elsewhere, "has"> | undefined;
}

const REFUSALS: ReadonlySet<string> = new Set(["model_not_found", "no_provider_available"]);

/**
 * The targets for a model and a key, as `resolveTargets` has and throws them. Undefined where another process decides, because a
 * target is over there, or because none is here and over there may be one that this process has not heard of yet.
 */
export function findTargets({
  registry,
  model,
  keyId,
  elsewhere,
}: FindTargetsOptions): MaybePromise<readonly Target[] | undefined> {
  const offers = collectOffers(registry, model, keyId);
  return offers instanceof Promise
    ? offers.then((known) => chooseTargets(model, known, elsewhere))
    : chooseTargets(model, offers, elsewhere);
}

function chooseTargets(
  model: string,
  offers: readonly ProviderOffer[],
  elsewhere: Pick<Elsewhere, "has"> | undefined,
): readonly Target[] | undefined {
  if (elsewhere === undefined) return resolveTargets(model, offers);
  try {
    const targets = resolveTargets(model, offers);
    return targets.some(({ providerId }) => elsewhere.has(providerId)) ? undefined : targets;
  } catch (thrown) {
    if (REFUSALS.has(toGatewayError(thrown).code)) return undefined;
    throw thrown;
  }
}
