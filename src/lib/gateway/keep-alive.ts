import { Roster } from "../collections/roster.ts";
import type { StreamResponder } from "./stream-responder.ts";

/** One timer for all streams: every stream that has been silent for `silenceMs` gets a comment frame. */
export class KeepAlive {
  readonly #responders = new Roster<StreamResponder>();
  readonly #silenceMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(silenceMs = 15_000) {
    this.#silenceMs = silenceMs;
  }

  /** Watches a stream; returns the function that stops it. */
  watch(responder: StreamResponder): () => void {
    const seat = this.#responders.add(responder);
    this.#timer ??= setInterval(() => this.#sweep(), Math.max(10, this.#silenceMs / 5)).unref();
    return () => {
      this.#responders.remove(seat);
      if (this.#responders.size === 0) this.close();
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    for (const responder of this.#responders.items()) responder.keepAlive(this.#silenceMs);
  }
}
