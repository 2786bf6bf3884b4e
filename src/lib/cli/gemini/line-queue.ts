import { createLineSplitter, LineError } from "../line-splitter.ts";
import { invalidOutput } from "../run-errors.ts";

/** Lines on their way from a pipe to whoever takes them one by one; a pause may come with any of them. */
export interface LineQueue {
  push(bytes: Uint8Array): void;
  /** No line is handed on until {@link resume}, which hands on those that wait. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  readonly isEmpty: boolean;
}

export interface LineQueueOptions {
  /** May throw, which ends the queue by `onError`. */
  readonly take: (line: string) => void;
  /** True once no line is wanted any more. */
  readonly isDone: () => boolean;
  readonly onError: (error: unknown) => void;
}

export function createLineQueue(options: LineQueueOptions): LineQueue {
  const splitter = createLineSplitter();
  let waiting: readonly string[] = [];
  let isPaused = false;
  let isDraining = false;

  const drain = (): void => {
    // A taker may resume within `take`; the loop goes on by itself then.
    if (isDraining) return;
    isDraining = true;
    let index = 0;
    try {
      for (const line of waiting) {
        if (isPaused || options.isDone()) break;
        index += 1;
        options.take(line);
      }
    } catch (error) {
      options.onError(error);
    }
    isDraining = false;
    waiting = options.isDone() ? [] : waiting.slice(index);
  };

  return {
    push(bytes) {
      try {
        const lines = splitter.push(bytes);
        waiting = waiting.length === 0 ? lines : [...waiting, ...lines];
      } catch (error) {
        options.onError(error instanceof LineError ? invalidOutput(error.message) : error);
        return;
      }
      drain();
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      drain();
    },
    get isPaused() {
      return isPaused;
    },
    get isEmpty() {
      return waiting.length === 0;
    },
  };
}
