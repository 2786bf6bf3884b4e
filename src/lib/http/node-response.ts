import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { atEndOfTurn } from "./end-of-turn.ts";
import { formatOverhead, OVERHEAD_HEADER, type RequestTiming } from "../telemetry/request-timing.ts";
import type { HeaderValue, HttpResponse } from "./context.ts";

type Event = Parameters<HttpResponse["on"]>[0];

/**
 * A `ServerResponse` whose headers are gathered as plain pairs and go out in one `writeHead`: node's own `setHeader` checks
 * and stores each header, and then stores all of them again, a sizeable part of what a small answer costs.
 *
 * The pieces of a stream are framed here (RFC 9112, 7.1) and written to the socket as one text: node writes the length, the
 * piece and the line end each by itself, which makes an eighth of what a chunk costs. What came in one turn of the event
 * loop by `writeSoon` goes out at its end, together with what other streams have to write. The socket is the answer's only while it is its
 * turn on the connection; until then, and for the end, node's own `write` and `end` serve.
 */
export class NodeResponse implements HttpResponse {
  statusCode = 200;
  hasOwnRateLimit = false;
  readonly #response: ServerResponse;
  /** Names and values in turn. */
  readonly #headers: (string | number | string[])[] = [];
  #isCommitted = false;
  #isStream = false;
  /** Whether node has sent the headers with a first piece, so that more pieces may follow it on the socket. */
  #mayUseSocket = false;
  /** The socket that was asked to tell of its drain: the answer lets go of it at its end. */
  #drainSocket: Socket | undefined;
  /** Framed pieces that go out at the end of this turn. */
  #pending = "";
  readonly #flushPending = (): void => this.#flush();
  readonly #timing: RequestTiming;

  constructor(response: ServerResponse, timing: RequestTiming) {
    this.#response = response;
    this.#timing = timing;
  }

  get headersSent(): boolean {
    return this.#isCommitted || this.#response.headersSent;
  }

  get writableEnded(): boolean {
    return this.#response.writableEnded;
  }

  get writableFinished(): boolean {
    return this.#response.writableFinished;
  }

  get writableLength(): number {
    return this.#response.writableLength;
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

  beginStream(): void {
    this.#isStream = true;
  }

  write(data: string | Uint8Array, onWritten?: () => void): boolean {
    if (!this.#isCommitted) this.#commit();
    const { socket } = this.#response;
    this.#flush();
    if (this.#mayUseSocket && socket !== null && typeof data === "string") {
      // An empty piece is the end of the body, and one after the end would be read as the next answer.
      if (data === "" || this.#response.writableEnded) return true;
      return socket.write(frame(data), onWritten);
    }
    this.#mayUseSocket = this.#isStream && socket !== null && this.#response.chunkedEncoding;
    return onWritten === undefined ? this.#response.write(data) : this.#response.write(data, onWritten);
  }

  writeSoon(text: string): boolean {
    const { socket } = this.#response;
    if (!this.#mayUseSocket || socket === null) return this.write(text);
    if (text === "" || this.#response.writableEnded) return true;
    const isFirst = this.#pending === "";
    this.#pending += frame(text);
    if (isFirst) atEndOfTurn(this.#flushPending);
    // What is pending, one turn's input at most, is soon written, and says nothing of the reader.
    return !socket.writableNeedDrain;
  }

  end(data?: string | Uint8Array): void {
    if (!this.#isCommitted) this.#commit();
    this.#flush();
    this.#response.end(data);
  }

  destroy(): void {
    this.#pending = "";
    this.#response.destroy();
  }

  on(event: Event, listener: () => void): void {
    this.#emitter(event).on(event, listener);
  }

  once(event: Event, listener: () => void): void {
    this.#emitter(event).once(event, listener);
  }

  off(event: Event, listener: () => void): void {
    this.#response.off(event, listener);
    if (event === "drain") this.#drainSocket?.off(event, listener);
  }

  #flush(): void {
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    this.#response.socket?.write(text);
  }

  /** Who tells that the socket has taken what was written: the socket itself, and node until the answer has one. */
  #emitter(event: Event): Pick<ServerResponse | Socket, "on" | "once"> {
    if (event !== "drain" || this.#response.socket === null) return this.#response;
    this.#drainSocket = this.#response.socket;
    return this.#drainSocket;
  }

  #indexOf(name: string): number {
    for (let index = 0; index < this.#headers.length; index += 2) if (this.#headers[index] === name) return index;
    return -1;
  }

  #commit(): void {
    if (this.headersSent) return;
    this.#isCommitted = true;
    this.#headers.push(OVERHEAD_HEADER, formatOverhead(this.#timing.overheadMs));
    this.#response.writeHead(this.statusCode, this.#headers);
    this.#headers.length = 0;
  }
}

/** One chunk of a chunked body (RFC 9112, 7.1). */
function frame(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
