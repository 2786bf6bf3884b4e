import { abortError } from "../run-errors.ts";
import type { StartedServer } from "./start-server.ts";

export interface WarmServerOptions {
  /** Starts one. */
  readonly start: (signal: AbortSignal) => Promise<StartedServer>;
  /** How long a process stays without a request, in milliseconds. */
  readonly idleMs: number;
  /** After so many requests the next one gets another process. */
  readonly maxRequests: number;
}

/** One request's part in the shared process. */
export interface Lease extends Omit<StartedServer, "stop"> {
  /** No further request gets this process; it is ended with its last one. */
  retire(): void;
  /** To be called once, when the request is over. Resolves when a process that is to be ended has ended. */
  release(): Promise<void>;
}

interface Slot {
  readonly starting: Promise<StartedServer>;
  readonly abandon: AbortController;
  started: StartedServer | undefined;
  users: number;
  /** Those so far, and those that only looked. */
  requests: number;
  isRetired: boolean;
  idle: NodeJS.Timeout | undefined;
  /** When its last request ended, in milliseconds of `performance.now`; undefined while it has one. */
  lastUsedAt: number | undefined;
  stopping: Promise<void> | undefined;
}

/** Keeps one process for many requests: started by the first, ended some time after the last, replaced when it is lost or has served many. */
export class WarmServer {
  readonly #options: WarmServerOptions;
  readonly #slots = new Set<Slot>();
  #current: Slot | undefined;

  constructor(options: WarmServerOptions) {
    this.#options = options;
  }

  /** Processes without a request. */
  get idle(): number {
    return [...this.#slots].filter((slot) => slot.users === 0 && slot.started !== undefined).length;
  }

  /** The process for one more request. Rejects with GatewayError, also on abort; another one's start goes on then. */
  async acquire(signal: AbortSignal): Promise<Lease> {
    if (signal.aborted) throw abortError(signal);
    const slot = (this.#current ??= this.#open());
    slot.users += 1;
    slot.requests += 1;
    if (slot.requests >= this.#options.maxRequests) this.#retire(slot);
    slot.lastUsedAt = undefined;
    clearTimeout(slot.idle);
    try {
      const { server, workDirectory, fullDetailModels } = await untilAborted(slot.starting, signal);
      return {
        server,
        workDirectory,
        fullDetailModels,
        retire: () => this.#retire(slot),
        release: () => this.#release(slot),
      };
    } catch (error) {
      await this.#release(slot);
      throw error;
    }
  }

  /** The process that serves now, where one is up; it stays no longer for being looked at. */
  async peek(signal: AbortSignal): Promise<Lease | undefined> {
    const slot = this.#current;
    if (slot?.started === undefined) return undefined;
    const { lastUsedAt } = slot;
    const lease = await this.acquire(signal);
    const release = (): Promise<void> => this.#release(slot, slot.lastUsedAt ?? lastUsedAt);
    return { ...lease, release };
  }

  /** Ends every process; may be used again after it. */
  async close(): Promise<void> {
    this.#current = undefined;
    await Promise.all([...this.#slots].map((slot) => this.#stop(slot)));
  }

  #open(): Slot {
    const abandon = new AbortController();
    const slot: Slot = {
      starting: this.#options.start(abandon.signal),
      abandon,
      started: undefined,
      users: 0,
      requests: 0,
      isRetired: false,
      idle: undefined,
      lastUsedAt: undefined,
      stopping: undefined,
    };
    this.#slots.add(slot);
    slot.starting.then(
      (started) => {
        slot.started = started;
        started.server.onLost(() => {
          this.#retire(slot);
          // Whatever it was about to do: it is not to do it.
          void this.#stop(slot);
        });
      },
      () => {
        this.#retire(slot);
        this.#slots.delete(slot);
      },
    );
    return slot;
  }

  #retire(slot: Slot): void {
    slot.isRetired = true;
    if (this.#current === slot) this.#current = undefined;
  }

  async #release(slot: Slot, lastUsedAt = performance.now()): Promise<void> {
    slot.users -= 1;
    slot.lastUsedAt = lastUsedAt;
    if (slot.users > 0) return;
    // A start that nobody waits for any more.
    if (slot.started === undefined) this.#retire(slot);
    if (slot.isRetired) return this.#stop(slot);
    const idleMs = Math.max(0, lastUsedAt + this.#options.idleMs - performance.now());
    slot.idle = setTimeout(() => {
      this.#retire(slot);
      void this.#stop(slot);
    }, idleMs).unref();
  }

  #stop(slot: Slot): Promise<void> {
    clearTimeout(slot.idle);
    slot.abandon.abort();
    slot.stopping ??= slot.starting
      .then(
        (started) => started.stop(),
        () => {},
      )
      .finally(() => this.#slots.delete(slot));
    return slot.stopping;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
