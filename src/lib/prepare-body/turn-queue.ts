import { GatewayError } from "../http/errors.ts";
import { abortError } from "../providers/transports/http-errors.ts";

const RETRY_AFTER_MS = 1000;

/** One turn at a time, first come first served, with a bounded number of those that wait. */
export class TurnQueue {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #isTaken = false;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Resolves with the function that ends the turn, to be called once. Rejects with GatewayError `proxy_overloaded` (503)
   * where too many wait, and on abort with the signal's reason.
   */
  take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(abortError(signal));
    if (!this.#isTaken) return Promise.resolve(this.#begin());
    if (this.#waiting.size >= this.#maxWaiting) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(admit);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(abortError(signal));
      };
      const admit = (): void => {
        leave();
        resolve(this.#begin());
      };
      signal.addEventListener("abort", onAbort);
      this.#waiting.add(admit);
    });
  }

  #begin(): () => void {
    this.#isTaken = true;
    return () => {
      this.#isTaken = false;
      const [next] = this.#waiting;
      next?.();
    };
  }
}

function overloaded(): GatewayError {
  return new GatewayError("proxy_overloaded", "Too many large requests are waiting.", { retryAfterMs: RETRY_AFTER_MS });
}
