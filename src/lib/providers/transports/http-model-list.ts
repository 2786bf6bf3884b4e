import type { ProviderModel } from "../types.ts";

const FRESH_MS = 5 * 60_000;
const RETRY_AFTER_FAILURE_MS = 15_000;

export interface ModelListOptions {
  /** What is offered before the first answer; where it is left out, the first callers wait for that answer. */
  readonly initial?: readonly ProviderModel[];
  /** Asks the upstream, within a bound of its own, which is also the longest that a first caller waits. The signal aborts on close. */
  readonly load: (signal: AbortSignal) => Promise<readonly ProviderModel[]>;
  readonly onFailure: (error: unknown) => void;
}

export interface ModelList {
  /** The newest list known; one older than 5 minutes is refreshed in the background. Never rejects. */
  get(): Promise<readonly ProviderModel[]>;
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
    } catch (error) {
      nextRefreshAt = performance.now() + RETRY_AFTER_FAILURE_MS;
      if (!closing.signal.aborted) options.onFailure(error);
    } finally {
      refreshing = undefined;
    }
  }

  return {
    async get() {
      if (refreshing === undefined && performance.now() >= nextRefreshAt && !closing.signal.aborted) {
        refreshing = refresh();
      }
      if (models === undefined) await refreshing;
      return models ?? [];
    },
    close: () => closing.abort(),
  };
}
