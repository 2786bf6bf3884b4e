import { GatewayError } from "../http/errors.ts";

export interface ProcessSlotsOptions {
  /** Processes at a time. */
  readonly limit: number;
  /** Requests that may wait; one more is refused. */
  readonly maxWaiting: number;
  /** The longest wait, in milliseconds. */
  readonly maxWaitMs: number;
}

/** A bounded number of processes with a bounded queue before them, first come first served. */
export interface ProcessSlots {
  /**
   * Resolves with the function that gives the slot back, to be called once.
   *
   * @throws GatewayError `agents_busy` when the queue is full or the wait was too long; the signal's reason on abort.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
  readonly used: number;
  readonly waiting: number;
}

interface Waiter {
  readonly admit: () => void;
}

export function createProcessSlots(options: ProcessSlotsOptions): ProcessSlots {
  const queue = new Set<Waiter>();
  let used = 0;

  const take = (): (() => void) => {
    used += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      used -= 1;
      const [next] = queue;
      next?.admit();
    };
  };

  const waitInQueue = (signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(abortReason(signal));
      };
      const waiter: Waiter = {
        admit() {
          leave();
          resolve(take());
        },
      };
      const timer = setTimeout(() => {
        leave();
        reject(busy());
      }, options.maxWaitMs);
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiter);
    });

  return {
    async acquire(signal) {
      if (signal.aborted) throw abortReason(signal);
      if (used < options.limit) return take();
      if (queue.size >= options.maxWaiting) throw busy();
      return waitInQueue(signal);
    },
    get used() {
      return used;
    },
    get waiting() {
      return queue.size;
    },
  };
}

function abortReason(signal: AbortSignal): GatewayError {
  return signal.reason instanceof GatewayError
    ? signal.reason
    : new GatewayError("cancelled", "The request was cancelled.");
}

function busy(): GatewayError {
  return new GatewayError("agents_busy", "All places for CLI processes are taken.", { retryAfterMs: 5000 });
}
