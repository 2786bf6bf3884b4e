/** One restartable clock: it fires once when nothing restarted, paused or stopped it for its time. */
export class ProgressTimer {
  readonly #onFired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #durationMs: number;
  #isPaused = false;

  constructor(durationMs: number, onFired: () => void) {
    this.#durationMs = durationMs;
    this.#onFired = onFired;
    this.#start();
  }

  /** Counts from now again, with the same or another duration in milliseconds. */
  restart(durationMs: number = this.#durationMs): void {
    if (durationMs === this.#durationMs && this.#timer !== undefined) {
      this.#timer.refresh();
      return;
    }
    this.#durationMs = durationMs;
    if (!this.#isPaused) this.#start();
  }

  /** While paused no time passes; afterwards it counts from the beginning. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    if (paused) this.stop();
    else this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    this.stop();
    this.#timer = setTimeout(this.#onFired, this.#durationMs);
    this.#timer.unref();
  }
}
