import type { ChatDelta } from "../openai/delta.ts";
import type { ServedBy, StreamSink } from "../providers/types.ts";

/** Delivered deltas are let go of in runs of so many: taking each from the front would cost O(n). */
const SPLICE_AT = 1000;

export interface DeliveryOptions {
  readonly sink: StreamSink;
  /** What is kept for a slow reader before {@link Delivery.hasRoom} answers `false`, in bytes. */
  readonly maxBufferedBytes: number;
  /** The reader has become slow, or has caught up. */
  readonly onPaused: (paused: boolean) => void;
  /** The sink threw. */
  readonly onFailure: (thrown: unknown) => void;
}

interface Waiting {
  readonly delta: ChatDelta;
  readonly bytes: number;
}

/** Gives the deltas of one request to its sink in order, and keeps what a slow reader does not take yet. */
export class Delivery {
  readonly #options: DeliveryOptions;
  #waiting: Waiting[] = [];
  /** Index of the first element of `#waiting` that was not given yet. */
  #next = 0;
  #bufferedBytes = 0;
  #state: "idle" | "open" | "closed" = "idle";
  #paused = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Whether anything has reached the sink. */
  get isOpened(): boolean {
    return this.#state !== "idle";
  }

  /** Whether so many bytes more may be pushed. One push always fits into an empty buffer. */
  hasRoom(bytes: number): boolean {
    return !this.#paused || this.#bufferedBytes === 0 || this.#bufferedBytes + bytes <= this.#options.maxBufferedBytes;
  }

  /** Opens the sink, the first time only. */
  open(servedBy: ServedBy): void {
    if (this.#state !== "idle") return;
    this.#state = "open";
    this.#guard(() => this.#options.sink.open(servedBy));
  }

  /** Takes deltas of so many bytes together; each is given once, in order. */
  push(deltas: readonly ChatDelta[], bytes: number): void {
    const share = bytes / deltas.length;
    for (const delta of deltas) {
      if (this.#state !== "open") return;
      if (this.#paused) {
        this.#waiting.push({ delta, bytes: share });
        this.#bufferedBytes += share;
      } else {
        this.#give(delta);
      }
    }
  }

  /** Calls back once everything has been given: at once when nothing waits. */
  whenEmpty(listener: () => void): void {
    if (this.#next === this.#waiting.length) listener();
    else this.#onEmpty = listener;
  }

  /** Lets go of all that waits; nothing is given any more. */
  close(): void {
    this.#state = "closed";
    this.#waiting = [];
    this.#next = 0;
    this.#bufferedBytes = 0;
    this.#onEmpty = undefined;
  }

  #give(delta: ChatDelta): void {
    this.#guard(() => {
      if (this.#options.sink.delta(delta)) return;
      this.#setPaused(true);
      this.#options.sink.onDrain(() => this.#flush());
    });
  }

  #flush(): void {
    if (this.#state !== "open") return;
    this.#paused = false;
    while (!this.#paused && this.#state === "open") {
      const item = this.#waiting[this.#next];
      if (item === undefined) break;
      this.#next += 1;
      this.#bufferedBytes -= item.bytes;
      this.#give(item.delta);
    }
    if (this.#state !== "open") return;
    if (this.#next >= SPLICE_AT) {
      // A reader that is always a little behind must not keep what it has had.
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
      this.#bufferedBytes = 0;
      const onEmpty = this.#onEmpty;
      this.#onEmpty = undefined;
      onEmpty?.();
    }
    if (!this.#paused) this.#options.onPaused(false);
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#options.onPaused(paused);
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.close();
      this.#options.onFailure(thrown);
    }
  }
}
