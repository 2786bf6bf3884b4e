import { GatewayError } from "./errors.ts";

/** The one cancellation of a request: by its client, its deadline or the proxy's end. Whichever comes first is the reason. */
export class RequestLife {
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #clientGone = false;

  /** Made when first asked for: most requests of other kinds than model calls have no use for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get clientGone(): boolean {
    return this.#clientGone;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** The client closed before its answer had ended. */
  clientClosed(): void {
    this.#clientGone = true;
    this.abort(new GatewayError("client_closed_request", "The client closed the request."));
  }
}
