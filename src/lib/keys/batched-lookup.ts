import { GatewayError } from "../http/errors.ts";

export interface BatchedLookupOptions<Value> {
  /** Asks for many names at once; a name without an answer is left out. Each name comes once. */
  readonly load: (names: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  /** Names in one question. */
  readonly maxBatch?: number;
  /** Questions under way at once; small, so that look-ups leave connections for other queries. */
  readonly maxRunning?: number;
  /** Least time from one question to the next, in milliseconds: names that come one by one do not become one question each. */
  readonly minIntervalMs?: number;
  /** Look-ups that wait for their question; more are told to come back. */
  readonly maxWaiting?: number;
  /** How long one waits before it is told to come back, in milliseconds. */
  readonly waitMs?: number;
}

interface Waiting<Value> {
  readonly name: string;
  readonly resolve: (value: Value | undefined) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Gathers single look-ups into few questions: the first goes out at once, and those that come while questions are
 * under way, or within 10 ms of the last, go together in the next one. A flood of names that nobody has then costs a
 * hundred questions a second at most, and a
 * name that somebody has waits for one of them instead of being turned away.
 */
export class BatchedLookup<Value> {
  readonly #options: Required<BatchedLookupOptions<Value>>;
  readonly #waiting = new Set<Waiting<Value>>();
  #running = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatchedLookupOptions<Value>) {
    this.#options = { maxBatch: 500, maxRunning: 2, minIntervalMs: 10, maxWaiting: 10_000, waitMs: 5000, ...options };
  }

  /** The value of a name. Rejects as `load` does, or with GatewayError `database_unavailable` when too much waits. */
  async get(name: string): Promise<Value | undefined> {
    if (this.#waiting.size >= this.#options.maxWaiting) throw tooManyLookups();
    return await new Promise<Value | undefined>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(tooManyLookups());
      }, this.#options.waitMs).unref();
      const waiting = { name, resolve, reject, timer };
      this.#waiting.add(waiting);
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#running >= this.#options.maxRunning || this.#waiting.size === 0 || this.#timer !== undefined) return;
    const pauseMs = this.#askedAt + this.#options.minIntervalMs - performance.now();
    if (pauseMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#ask();
      }, Math.ceil(pauseMs)).unref();
      return;
    }
    this.#askedAt = performance.now();
    const batch: Waiting<Value>[] = [];
    for (const waiting of this.#waiting) {
      if (batch.length === this.#options.maxBatch) break;
      clearTimeout(waiting.timer);
      this.#waiting.delete(waiting);
      batch.push(waiting);
    }
    this.#running += 1;
    void this.#answer(batch).finally(() => {
      this.#running -= 1;
      this.#ask();
    });
  }

  async #answer(batch: readonly Waiting<Value>[]): Promise<void> {
    try {
      const values = await this.#options.load([...new Set(batch.map(({ name }) => name))]);
      for (const { name, resolve } of batch) resolve(values.get(name));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function tooManyLookups(): GatewayError {
  return new GatewayError("database_unavailable", "Too many keys are being looked up.", { retryAfterMs: 1000 });
}
