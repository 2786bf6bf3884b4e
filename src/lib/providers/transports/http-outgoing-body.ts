import type { Readable } from "node:stream";

/** The largest body that may stay in memory until its answer has ended, in bytes. */
const KEPT_MAX = 64 * 1024;

/**
 * What undici is given of a request's headers and body. It keeps a buffer until the answer has ended, which takes a stream
 * minutes; so a large body is given as an iterable, which holds nothing once it has been read, and with its length.
 */
export function outgoingBody(
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
): { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer | Readable | null } {
  if (body === undefined || body.length <= KEPT_MAX) return { headers, body: body ?? null };
  return {
    headers: { ...headers, "content-length": String(body.length) },
    // undici documents iterables and takes them; its types leave them out.
    body: new ReadOnce(body) as Iterable<Buffer> as unknown as Readable,
  };
}

/** Not a generator function, whose frame would keep the body. */
class ReadOnce implements IterableIterator<Buffer> {
  #body: Buffer | undefined;

  constructor(body: Buffer) {
    this.#body = body;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Buffer> {
    const value = this.#body;
    this.#body = undefined;
    return value === undefined ? { done: true, value } : { done: false, value };
  }
}
