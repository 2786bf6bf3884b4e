/** One request to the proxy and its whole answer, straight through undici's `dispatch`. */
import type { Dispatcher } from "undici";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly text: string;
}

export interface ExchangeOptions {
  readonly request: Dispatcher.DispatchOptions;
  readonly signal: AbortSignal;
  /** Largest answer to read, in bytes; what is longer rejects. */
  readonly maxBytes: number;
}

/**
 * Sends a request and reads its answer. Rejects on network errors and timeouts, and with the signal's reason once it
 * aborts, which ends the request in whatever phase.
 *
 * A long answer is posted in thousands of these: undici's `request` would make a stream for each, and read it with an
 * async iterator, at twice the cost.
 */
export function runExchange(dispatcher: Dispatcher, options: ExchangeOptions): Promise<HttpAnswer> {
  const { request, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else dispatcher.dispatch(request, new Exchange(options, resolve, reject));
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #onAbort: () => void;
  readonly #parts: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: HttpAnswer["headers"] = {};
  #bytes = 0;

  constructor(options: ExchangeOptions, resolve: (answer: HttpAnswer) => void, reject: (reason: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => this.#fail(options.signal.reason);
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection when it was aborted, and must not be sent any more.
    if (this.#options.signal.aborted) controller.abort(asError(this.#options.signal.reason));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpAnswer["headers"]): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { maxBytes } = this.#options;
    if (this.#bytes > maxBytes) this.#fail(new Error(`the answer is longer than ${maxBytes} bytes`));
    else this.#parts.push(chunk);
  }

  onResponseEnd(): void {
    this.#stopListening();
    const [first] = this.#parts;
    const body = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#resolve({ status: this.#status, headers: this.#headers, text: body.toString("utf8") });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#stopListening();
    this.#reject(error);
  }

  #fail(reason: unknown): void {
    this.#stopListening();
    this.#reject(reason);
    this.#controller?.abort(asError(reason));
  }

  #stopListening(): void {
    this.#options.signal.removeEventListener("abort", this.#onAbort);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
