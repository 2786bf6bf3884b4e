import { GatewayError } from "./errors.ts";

/** Bodies up to this size may use the whole budget, larger ones only a part of it: small requests pass while large ones wait. */
const SMALL_BODY_BYTES = 64 * 1024;
const LARGE_SHARE = 7 / 8;
const RETRY_AFTER_MS = 1000;

/** What one request holds of the budget. */
export interface BodyShare {
  /**
   * Counts bytes as they come in, never what a client only announced. Throws GatewayError `too_many_bodies` (503, retry
   * after 1 s) where they do not fit.
   */
  take(bytes: number): void;
  /** Gives back all that was taken. */
  release(): void;
}

/**
 * Bounds the bytes of all request bodies that are held at once, over all connections: the limit of one body times the
 * number of connections is no bound that a machine could keep. A body that is alone always fits. What is made of a body
 * while it is served takes up to four times its bytes.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  open(): BodyShare {
    return new Share(this);
  }

  /** Counts bytes of one body, which holds `ownBytes` so far. Throws as {@link BodyShare.take}. */
  hold(bytes: number, ownBytes: number): void {
    const limit = ownBytes + bytes > SMALL_BODY_BYTES ? this.#maxBytes * LARGE_SHARE : this.#maxBytes;
    const othersBytes = this.#heldBytes - ownBytes;
    if (othersBytes > 0 && this.#heldBytes + bytes > limit) {
      throw new GatewayError("too_many_bodies", "Too many large requests are under way.", {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    this.#heldBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

class Share implements BodyShare {
  readonly #budget: BodyBudget;
  #ownBytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  take(bytes: number): void {
    this.#budget.hold(bytes, this.#ownBytes);
    this.#ownBytes += bytes;
  }

  release(): void {
    this.#budget.giveBack(this.#ownBytes);
    this.#ownBytes = 0;
  }
}
