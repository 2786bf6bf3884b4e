const HEAD_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);

export interface ReceivedRequest {
  /** Method and path. */
  readonly line: string;
  readonly body: Buffer;
}

/** Reads HTTP/1.1 requests with a `content-length` off one connection, several in a row. */
export class RequestReader {
  readonly #onRequest: (request: ReceivedRequest) => void;
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes needed before there is anything to do. */
  #wanted = 0;

  constructor(onRequest: (request: ReceivedRequest) => void) {
    this.#onRequest = onRequest;
  }

  /** @throws Error at a request without a length that has a body */
  push(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
    while (this.#length > 0 && this.#length >= this.#wanted) if (!this.#take()) return;
  }

  #take(): boolean {
    const all = this.#parts.length === 1 ? (this.#parts[0] ?? NOTHING) : Buffer.concat(this.#parts, this.#length);
    this.#parts = [all];
    const headEnd = all.indexOf(HEAD_END);
    if (headEnd < 0) {
      this.#wanted = all.length + 1;
      return false;
    }
    const head = all.toString("latin1", 0, headEnd);
    if (/^transfer-encoding:/im.test(head)) throw new Error("the mock upstream takes bodies with a length only");
    const bodyStart = headEnd + HEAD_END.length;
    const end = bodyStart + Number(/^content-length: ?(\d+)/im.exec(head)?.[1] ?? 0);
    if (all.length < end) {
      this.#wanted = end;
      return false;
    }
    const rest = all.subarray(end);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    this.#wanted = 0;
    this.#onRequest({ line: head.slice(0, head.indexOf(" HTTP/")), body: all.subarray(bodyStart, end) });
    return true;
  }
}
