import { Duplex } from "node:stream";
import type { MessagePort } from "node:worker_threads";

/**
 * A MessagePort as the socket that `pg` expects: its driver then speaks to another thread as it does to a server.
 * Implements of `net.Socket` what `pg` calls: `connect`, `setNoDelay`, `setKeepAlive`, `ref` and `unref`.
 */
export class MessagePortStream extends Duplex {
  readonly #open: () => Promise<MessagePort>;
  #port: MessagePort | undefined;

  /** `open` gives the near end of a fresh channel; it is called once, by `connect`. */
  constructor(open: () => Promise<MessagePort>) {
    super({ allowHalfOpen: false });
    this.#open = open;
  }

  connect(): this {
    this.#open().then(
      (port) => this.#attach(port),
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  #attach(port: MessagePort): void {
    if (this.destroyed) {
      port.close();
      return;
    }
    this.#port = port;
    // Not paused for backpressure: a driver reads results whole, so what gathers is bounded by its own queries.
    port.on("message", (chunk: Uint8Array) => this.push(chunk));
    port.on("close", () => {
      this.push(null);
      this.destroy();
    });
    this.emit("connect");
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error) => void): void {
    this.#send(chunk, callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: (error?: Error) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  #send(bytes: Uint8Array, callback: (error?: Error) => void): void {
    if (this.#port === undefined) {
      callback(new Error("the embedded database is not connected"));
      return;
    }
    // A copy of its own, since the driver's buffers are views of pooled memory, which cannot be transferred.
    const copy = new Uint8Array(bytes);
    this.#port.postMessage(copy, [copy.buffer]);
    callback();
  }

  override _read(): void {}

  override _final(callback: (error?: Error) => void): void {
    this.#port?.close();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#port?.close();
    callback(error);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#port?.ref();
    return this;
  }

  unref(): this {
    this.#port?.unref();
    return this;
  }
}
