export interface WaitQueueOptions {
  /** Most that may wait at once; 0 turns waiting off. */
  readonly max: number;
  readonly waitMs: number;
}

/** A bounded first-in, first-out queue in which nothing waits longer than its deadline. */
export class WaitQueue<Item extends object> {
  readonly #options: WaitQueueOptions;
  readonly #timers = new Map<Item, NodeJS.Timeout>();

  constructor(options: WaitQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#timers.size;
  }

  /** Takes an item in, or answers `false` when the queue is full. `onExpired` is called once it has waited too long. */
  add(item: Item, onExpired: () => void): boolean {
    if (this.#timers.size >= this.#options.max) return false;
    const timer = setTimeout(() => {
      this.#timers.delete(item);
      onExpired();
    }, this.#options.waitMs);
    timer.unref();
    this.#timers.set(item, timer);
    return true;
  }

  /** Takes an item out, whether it is in or not. */
  remove(item: Item): void {
    clearTimeout(this.#timers.get(item));
    this.#timers.delete(item);
  }

  /** The items in the order of their arrival; items may be removed while it runs. */
  items(): IterableIterator<Item> {
    return this.#timers.keys();
  }
}
