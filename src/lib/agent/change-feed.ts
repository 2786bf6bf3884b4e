import type { Logger } from "../telemetry/logger.ts";

/** Tells listeners that something has changed, at most once per turn of the event loop. */
export class ChangeFeed {
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  #pending: NodeJS.Immediate | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Adds a listener; the answer takes it away again. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(): void {
    if (this.#listeners.size === 0 || this.#pending !== undefined) return;
    this.#pending = setImmediate(() => {
      this.#pending = undefined;
      this.#tell();
    });
  }

  /** Forgets the listeners. */
  close(): void {
    clearImmediate(this.#pending);
    this.#listeners.clear();
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (thrown) {
        this.#logger.error({ error: thrown }, "a listener of agent changes failed");
      }
    }
  }
}
