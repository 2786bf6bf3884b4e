export interface StepQueueOptions<Step> {
  /** Hands one step on; `false`: wait for {@link StepQueue.resume} before the next. */
  readonly take: (step: Step) => boolean;
  /** What may wait, in the unit of {@link StepQueue.push}. */
  readonly maxBytes: number;
  /** More than that would wait; the queue is closed then. */
  readonly onOverflow: () => void;
  readonly onPause: () => void;
  readonly onResume: () => void;
}

/**
 * Steps on their way to a reader that may be slow, in bounded memory. Their source is shared with other readers, so it
 * cannot be paused for one.
 */
export interface StepQueue<Step> {
  push(step: Step, bytes: number): void;
  resume(): void;
  /** Drops what waits and what comes. */
  close(): void;
}

export function createStepQueue<Step>(options: StepQueueOptions<Step>): StepQueue<Step> {
  let waiting: { readonly step: Step; readonly bytes: number }[] = [];
  let waitingBytes = 0;
  let isPaused = false;
  let isClosed = false;

  const close = (): void => {
    isClosed = true;
    waiting = [];
  };

  const hand = (step: Step): void => {
    if (options.take(step) || isClosed || isPaused) return;
    isPaused = true;
    options.onPause();
  };

  return {
    push(step, bytes) {
      if (isClosed) return;
      if (!isPaused) {
        hand(step);
        return;
      }
      waiting.push({ step, bytes });
      waitingBytes += bytes;
      if (waitingBytes <= options.maxBytes) return;
      close();
      options.onOverflow();
    },
    resume() {
      if (!isPaused || isClosed) return;
      isPaused = false;
      options.onResume();
      let index = 0;
      for (const { step, bytes } of waiting) {
        if (isPaused || isClosed) break;
        index += 1;
        waitingBytes -= bytes;
        hand(step);
      }
      waiting = waiting.slice(index);
    },
    close,
  };
}
