import { GatewayError } from "../../http/errors.ts";
import type { MaybePromise } from "../../maybe-promise.ts";
import type { ProviderModel } from "../types.ts";

const FRESH_MS = 5 * 60_000;
const RETRY_AFTER_FAILURE_MS = 15_000;

export interface ModelListOptions {
  /** What is offered before the first answer; where it is left out, the first callers wait for the first load's end. */
  readonly initial?: readonly ProviderModel[];
  /** Asks the upstream, within a bound of its own, which is also the longest that a first caller waits. The signal aborts on close. */
  readonly load: (signal: AbortSignal) => Promise<readonly ProviderModel[]>;
  /** Takes what `load` rejected with; what is no GatewayError comes as `upstream_invalid_response`. */
  readonly onFailure: (error: GatewayError) => void;
}

export interface ModelList {
  /**
   * The newest list known; one older than 5 minutes is refreshed in the background. After a failed first load it is
   * empty and asked for again in the background, so that nobody waits for an upstream that is away. At once where a list is known; never rejects.
   */
  get(): MaybePromise<readonly ProviderModel[]>;
  close(): void;
}

/** A provider's models: stale while revalidating, one refresh at a time; a failed refresh keeps the last list. */
export function createModelList(options: ModelListOptions): ModelList {
  const closing = new AbortController();
  let models = options.initial;
  let nextRefreshAt = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      models = await options.load(closing.signal);
      nextRefreshAt = performance.now() + FRESH_MS;
    } catch (thrown) {
      nextRefreshAt = performance.now() + RETRY_AFTER_FAILURE_MS;
      // Only the first load is waited for: with an upstream that is away, requests must not stall at every retry.
      models ??= [];
      if (!closing.signal.aborted) options.onFailure(asListError(thrown));
    } finally {
      refreshing = undefined;
    }
  }

  return {
    get() {
      if (refreshing === undefined && performance.now() >= nextRefreshAt && !closing.signal.aborted) {
        refreshing = refresh();
      }
      if (models !== undefined) return models;
      return Promise.resolve(refreshing).then(() => models ?? []);
    },
    close: () => closing.abort(),
  };
}

function asListError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const message = "The upstream's answer is not a list of models.";
  return new GatewayError("upstream_invalid_response", message, { cause: thrown });
}
