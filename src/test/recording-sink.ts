import { EventEmitter, once } from "node:events";
import type { ChatDelta } from "../lib/openai/delta.ts";
import type { ServedBy, StreamSink } from "../lib/providers/types.ts";

/** A client's end of a stream that keeps what it gets, and is slow on demand. */
export class RecordingSink implements StreamSink {
  readonly deltas: ChatDelta[] = [];
  readonly opened: ServedBy[] = [];
  readonly #arrivals = new EventEmitter();
  #isSlow = false;
  #drainListeners: (() => void)[] = [];

  get text(): string {
    return this.deltas.map(({ content }) => content ?? "").join("");
  }

  open(servedBy: ServedBy): void {
    this.opened.push(servedBy);
  }

  delta(delta: ChatDelta): boolean {
    if (this.opened.length !== 1) throw new Error("a delta before open, or after a second one");
    this.deltas.push(delta);
    this.#arrivals.emit("delta");
    return !this.#isSlow;
  }

  raw(): boolean {
    throw new Error("agents send deltas only");
  }

  onDrain(listener: () => void): void {
    this.#drainListeners.push(listener);
  }

  /** From now on every delta is answered by `false`. */
  stall(): void {
    this.#isSlow = true;
  }

  /** Catches up: with everything, or with one more delta only. */
  drain(how: "all" | "one" = "all"): void {
    if (how === "all") this.#isSlow = false;
    const listeners = this.#drainListeners;
    this.#drainListeners = [];
    for (const listener of listeners) listener();
  }

  /** Resolves once so many deltas have come. */
  async received(count: number): Promise<void> {
    while (this.deltas.length < count) await once(this.#arrivals, "delta");
  }
}
