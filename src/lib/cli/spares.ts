import type { CliSink } from "./types.ts";
import type { ProcessGroup } from "./process-group.ts";

/** A process that was started before its request is known. */
export interface Spare {
  /** What it was started for, such as a model: it serves only requests of the same kind. */
  readonly kind: string;
  readonly group: ProcessGroup;
  /** Ends the process and removes what it had. */
  stop(): Promise<void>;
}

export interface SparesOptions<Kept extends Spare> {
  /** Processes that wait at most; 0 for none. */
  readonly count: number;
  /** Starts one. Never called again before it has settled. */
  readonly start: (kind: string) => Promise<Kept>;
  /** Whether the machine has room for one more. */
  readonly hasRoom: () => boolean;
  /** A process that waited for so long is ended: it may know an old login, and nobody seems to ask. */
  readonly maxAgeMs?: number;
}

const MAX_AGE_MS = 15 * 60_000;

/**
 * Keeps a few processes waiting, for the kind of request that came last: what a start costs is paid before a request comes.
 * Each serves one request and is never put back, so that nothing of one request can reach another.
 */
export class Spares<Kept extends Spare> {
  readonly #options: SparesOptions<Kept>;
  /** Oldest first. */
  #idle: Kept[] = [];
  readonly #timers = new Map<Kept, NodeJS.Timeout>();
  #wanted: string | undefined;
  #filling: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SparesOptions<Kept>) {
    this.#options = options;
  }

  get size(): number {
    return this.#idle.length;
  }

  /** The process that waits for a request of this kind, which belongs to the caller from now on; it may have just ended. */
  take(kind: string): Kept | undefined {
    const spare = this.#idle.find((each) => each.kind === kind);
    if (spare !== undefined) this.#forget(spare);
    return spare;
  }

  /** Sees to it, in the background, that as many processes wait for requests of this kind as may. */
  refill(kind: string): void {
    if (this.#options.count === 0 || this.#isClosed) return;
    this.#wanted = kind;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
  }

  /** Ends all that wait; what is just starting ends too. May be refilled after it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#filling;
    await Promise.all(this.#idle.map((spare) => this.#discard(spare)));
    this.#isClosed = false;
  }

  async #fill(): Promise<void> {
    while (!this.#isClosed && this.#wanted !== undefined) {
      const kind = this.#wanted;
      const other = this.#idle.find((spare) => spare.kind !== kind);
      if (this.#idle.length >= this.#options.count) {
        if (other === undefined) return;
        await this.#discard(other);
      }
      if (!this.#options.hasRoom()) return;
      try {
        this.#keep(await this.#options.start(kind));
      } catch {
        // Whoever asks next starts its own process, and is told what is wrong.
        return;
      }
    }
  }

  #keep(spare: Kept): void {
    this.#idle.push(spare);
    const timer = setTimeout(() => void this.#discard(spare), this.#options.maxAgeMs ?? MAX_AGE_MS);
    this.#timers.set(spare, timer.unref());
    void spare.group.exited.then(() => this.#discard(spare));
  }

  async #discard(spare: Kept): Promise<void> {
    if (this.#forget(spare)) await spare.stop();
  }

  /** False where it was taken or forgotten before. */
  #forget(spare: Kept): boolean {
    clearTimeout(this.#timers.get(spare));
    this.#timers.delete(spare);
    const isIdle = this.#idle.includes(spare);
    this.#idle = this.#idle.filter((each) => each !== spare);
    return isIdle;
  }
}

/** A run's sink that has a spare process started when the run's answer begins. Not before: a start would take the core that its first words wait for. */
export function refillingSink(sink: CliSink, refill: () => void): CliSink {
  return {
    open(opened) {
      refill();
      sink.open(opened);
    },
    delta: (delta) => sink.delta(delta),
    onDrain: (listener) => sink.onDrain(listener),
  };
}
