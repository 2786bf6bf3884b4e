import { describeDatabaseError } from "../db/errors.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Ids whose use is waiting to be written; when the database is away for long, the oldest are given up. */
const MAX_NOTED = 10_000;

export interface UseWriterOptions {
  /** What is used, in the plural, for the log. */
  readonly what: string;
  /** Writes when each id was last used, in milliseconds since the epoch. */
  readonly write: (usedAt: ReadonlyMap<string, number>) => Promise<void>;
  /** From the first use to its writing, in milliseconds; 30 s unless told otherwise. */
  readonly intervalMs?: number | undefined;
  readonly logger: Logger;
}

/** Notes in memory when keys were last used, and writes it now and then, all in one statement. */
export class UseWriter {
  readonly #options: UseWriterOptions;
  #noted = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UseWriterOptions) {
    this.#options = options;
  }

  /** Notes that this id is used now. Cheap. */
  note(id: string): void {
    this.#noted.set(id, Date.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, this.#options.intervalMs ?? 30_000).unref();
  }

  /** Writes what waits. Never rejects. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#write();
  }

  async #write(): Promise<void> {
    const noted = this.#noted;
    if (noted.size === 0) return;
    this.#noted = new Map();
    const { write, what, logger } = this.#options;
    try {
      await write(noted);
    } catch (error) {
      logger.warn({ reason: describeDatabaseError(error) }, `the last use of ${what} was not written`);
      // What was used since is newer. Written with the next use.
      for (const [id, atMs] of noted) {
        if (!this.#noted.has(id) && this.#noted.size < MAX_NOTED) this.#noted.set(id, atMs);
      }
    }
  }
}
