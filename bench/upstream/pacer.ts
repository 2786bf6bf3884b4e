export interface Paced {
  /** Called when it is due; how many milliseconds until it is due again, or undefined to stop. */
  readonly tick: () => number | undefined;
  /** Milliseconds on the pacer's clock. */
  dueAt: number;
}

/** Longest gap, in milliseconds. */
const SLOTS = 16_384;

/**
 * Calls thousands of streams at a fixed pace off one timer: a wheel with a slot for each millisecond. A call that is
 * late does not shift the later ones, so the rate holds; calls that were missed are caught up with at once.
 */
export class Pacer {
  readonly #slots: Paced[][] = Array.from({ length: SLOTS }, () => []);
  #done = Math.floor(performance.now());
  #size = 0;
  #isTurning = false;

  add(paced: Omit<Paced, "dueAt">, delayMs: number): void {
    if (this.#size === 0) this.#done = Math.floor(performance.now());
    this.#size += 1;
    this.#schedule({ ...paced, dueAt: performance.now() + delayMs });
    if (this.#isTurning) return;
    this.#isTurning = true;
    setTimeout(() => this.#turn(), 1);
  }

  #schedule(paced: Paced): void {
    // What is overdue belongs into the next slot that is looked at.
    const slot = Math.max(Math.ceil(paced.dueAt), this.#done + 1);
    this.#slots[slot % SLOTS]?.push(paced);
  }

  #turn(): void {
    const now = Math.floor(performance.now());
    while (this.#done < now) {
      const index = (this.#done + 1) % SLOTS;
      const due = this.#slots[index] ?? [];
      this.#slots[index] = [];
      this.#done += 1;
      for (const paced of due) this.#call(paced);
    }
    this.#isTurning = this.#size > 0;
    if (this.#isTurning) setTimeout(() => this.#turn(), 1);
  }

  #call(paced: Paced): void {
    const delayMs = paced.tick();
    if (delayMs === undefined) {
      this.#size -= 1;
      return;
    }
    paced.dueAt += delayMs;
    this.#schedule(paced);
  }
}
