const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);

export interface ResponseHandlers {
  /** Status, and status line with headers as they came. */
  readonly head: (status: number, head: string) => void;
  readonly body: (slice: Buffer) => void;
  readonly end: () => void;
}

type Phase = "head" | "length-body" | "chunk-size" | "chunk-body" | "chunk-end" | "last-line";

/** Reads HTTP/1.1 responses off one keep-alive connection, with a length or chunked. Cheap, since it must outrun every proxy. */
export class ResponseReader {
  readonly #handlers: ResponseHandlers;
  #phase: Phase = "head";
  /** Bytes of the body, or of its chunk, that are still to come. */
  #due = 0;
  /** The beginning of a head or a line that has not come whole. */
  #rest: Buffer = NOTHING;

  constructor(handlers: ResponseHandlers) {
    this.#handlers = handlers;
  }

  /** @throws Error at what is no HTTP response, or one without a length */
  push(part: Buffer): void {
    let data = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    this.#rest = NOTHING;
    while (data.length > 0) {
      const isBody = this.#phase === "length-body" || this.#phase === "chunk-body";
      const after = isBody ? this.#readBody(data) : this.#readLine(data);
      if (after === undefined) {
        this.#rest = data;
        return;
      }
      data = after;
    }
  }

  #readBody(data: Buffer): Buffer {
    const taken = Math.min(this.#due, data.length);
    this.#due -= taken;
    this.#handlers.body(taken === data.length ? data : data.subarray(0, taken));
    if (this.#due === 0 && this.#phase === "length-body") this.#finish();
    else if (this.#due === 0) this.#phase = "chunk-end";
    return data.subarray(taken);
  }

  #readLine(data: Buffer): Buffer | undefined {
    const separator = this.#phase === "head" ? HEAD_END : LINE_END;
    const end = data.indexOf(separator);
    if (end < 0) return undefined;
    switch (this.#phase) {
      case "head":
        this.#readHead(data.toString("latin1", 0, end));
        break;
      case "chunk-size":
        this.#due = Number.parseInt(data.toString("latin1", 0, end), 16);
        this.#phase = this.#due > 0 ? "chunk-body" : "last-line";
        break;
      case "chunk-end":
        this.#phase = "chunk-size";
        break;
      default:
        // The empty line after the last chunk; trailers are not expected.
        this.#finish();
    }
    return data.subarray(end + separator.length);
  }

  #readHead(head: string): void {
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`not an HTTP/1.1 response: ${head.slice(0, 60)}`);
    this.#handlers.head(status, head);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#phase = "chunk-size";
      return;
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error("a response without a length");
    this.#due = Number(length);
    if (this.#due > 0) this.#phase = "length-body";
    else this.#finish();
  }

  #finish(): void {
    this.#phase = "head";
    this.#handlers.end();
  }
}
