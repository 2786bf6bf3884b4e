import type { ServerResponse } from "node:http";
import type { HeaderValue, HttpResponse } from "./context.ts";

type Event = Parameters<HttpResponse["on"]>[0];

/**
 * A `ServerResponse` whose headers are gathered as plain pairs and go out in one `writeHead`. Node's own `setHeader` checks
 * and stores each header, and then stores all of them again: a sizeable part of what a small answer costs.
 */
export class NodeResponse implements HttpResponse {
  statusCode = 200;
  readonly #response: ServerResponse;
  /** Names and values in turn. */
  readonly #headers: (string | number | string[])[] = [];
  #isCommitted = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get headersSent(): boolean {
    return this.#isCommitted || this.#response.headersSent;
  }

  get writableEnded(): boolean {
    return this.#response.writableEnded;
  }

  setHeader(name: string, value: HeaderValue): void {
    const index = this.#indexOf(name);
    const stored = typeof value === "object" ? [...value] : value;
    if (index === -1) this.#headers.push(name, stored);
    else this.#headers[index + 1] = stored;
  }

  hasHeader(name: string): boolean {
    return this.#indexOf(name) !== -1;
  }

  flushHeaders(): void {
    this.#commit();
    this.#response.flushHeaders();
  }

  write(data: string | Uint8Array, onWritten?: () => void): boolean {
    if (!this.#isCommitted) this.#commit();
    return onWritten === undefined ? this.#response.write(data) : this.#response.write(data, onWritten);
  }

  end(data?: string | Uint8Array): void {
    if (!this.#isCommitted) this.#commit();
    this.#response.end(data);
  }

  destroy(): void {
    this.#response.destroy();
  }

  on(event: Event, listener: () => void): void {
    this.#response.on(event, listener);
  }

  once(event: Event, listener: () => void): void {
    this.#response.once(event, listener);
  }

  off(event: Event, listener: () => void): void {
    this.#response.off(event, listener);
  }

  #indexOf(name: string): number {
    for (let index = 0; index < this.#headers.length; index += 2) if (this.#headers[index] === name) return index;
    return -1;
  }

  #commit(): void {
    if (this.headersSent) return;
    this.#isCommitted = true;
    this.#response.writeHead(this.statusCode, this.#headers);
  }
}
