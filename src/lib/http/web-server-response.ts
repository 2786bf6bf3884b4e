import { Writable } from "node:stream";
import { formatOverhead, OVERHEAD_HEADER, type RequestTiming } from "../telemetry/request-timing.ts";
import { GatewayError } from "./errors.ts";

/** Bytes that wait for a slow reader on each side of the bridge before `write` answers false: as `ServerResponse` does. */
const HIGH_WATER_MARK = 16 * 1024;
/** Statuses that the fetch standard forbids to have a body ("null body status"). */
const BODILESS_STATUSES = new Set([204, 205, 304]);

type HeaderValue = string | readonly string[];

/**
 * The part of `ServerResponse` that handlers use (see HttpResponse), writing into a web `Response`. The response is
 * handed to `onResponse` once the headers are committed: at the first byte, at `flushHeaders`, or at the end.
 * `destroy` before that calls `onAbort`; after it the reader's stream fails, so that a cut answer never looks complete.
 */
export class WebServerResponse extends Writable {
  statusCode = 200;
  /** For `x-codewise-overhead-ms`. */
  timing: RequestTiming | undefined;
  readonly #headers = new Map<string, HeaderValue>();
  readonly #bodiless: boolean;
  readonly #onResponse: (response: Response) => void;
  readonly #onAbort: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #headersSent = false;
  #afterPull: (() => void) | undefined;

  constructor(method: string, onResponse: (response: Response) => void, onAbort: () => void) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#bodiless = method === "HEAD";
    this.#onResponse = onResponse;
    this.#onAbort = onAbort;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  setHeader(name: string, value: number | HeaderValue): this {
    if (this.#headersSent) throw new GatewayError("server_error", `Header ${name} set after the headers were sent.`);
    this.#headers.set(name.toLowerCase(), typeof value === "number" ? String(value) : value);
    return this;
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  flushHeaders(): void {
    if (this.#headersSent || this.destroyed) return;
    this.#headersSent = true;
    if (this.timing !== undefined) this.#headers.set(OVERHEAD_HEADER, formatOverhead(this.timing.overheadMs));
    const headers = new Headers();
    for (const [name, value] of this.#headers) {
      for (const part of typeof value === "string" ? [value] : value) headers.append(name, part);
    }
    const init = { status: this.statusCode, headers };
    if (this.#bodiless || BODILESS_STATUSES.has(this.statusCode)) {
      this.#onResponse(new Response(null, init));
      return;
    }
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#resumeWriting(),
        cancel: () => {
          this.#controller = undefined;
          this.destroy();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_MARK }),
    );
    this.#onResponse(new Response(stream, init));
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.flushHeaders();
    if (this.#controller === undefined || chunk.byteLength === 0) {
      done();
      return;
    }
    this.#controller.enqueue(chunk);
    if ((this.#controller.desiredSize ?? 0) > 0) done();
    else this.#afterPull = done;
  }

  override _final(done: () => void): void {
    this.flushHeaders();
    this.#controller?.close();
    this.#controller = undefined;
    done();
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#headersSent) this.#onAbort();
    this.#controller?.error(new GatewayError("upstream_incomplete", "The answer was cut off."));
    this.#controller = undefined;
    this.#afterPull = undefined;
    // As with ServerResponse, a destroyed response says `close` and no `error`.
    done();
  }

  #resumeWriting(): void {
    const done = this.#afterPull;
    this.#afterPull = undefined;
    done?.();
  }
}
