/** The spool file of one request. */
import type { OutboxStore, SealedMessage } from "../outbox-queue.ts";
import type { SpoolFiles } from "./spool-files.ts";

export interface RequestSpoolOptions {
  readonly files: SpoolFiles;
  readonly path: string;
  readonly header: string;
  /** Beyond this size the file takes ends only. */
  readonly maxOverflowBytes: number;
  /** Takes room for so many bytes more, or refuses. */
  readonly reserve: (bytes: number, purpose: "overflow" | "end") => boolean;
  readonly release: (bytes: number) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onRemoved: () => void;
}

interface Place {
  readonly position: number;
  readonly length: number;
}

/**
 * Whole lines are appended, or nothing is. Nothing is synced to the disk: a process that is killed loses nothing that it
 * has written, and after a loss of power the proxy has given the request up long before the machine is back.
 */
export class RequestSpool implements OutboxStore {
  readonly #options: RequestSpoolOptions;
  readonly #places = new Map<number, Place>();
  readonly #headerBytes: number;
  #file: number | undefined;
  #length = 0;

  /** Writes the header. Throws where that cannot be. */
  constructor(options: RequestSpoolOptions) {
    this.#options = options;
    const header = Buffer.from(options.header);
    this.#headerBytes = header.length;
    this.#file = options.files.create(options.path);
    try {
      options.files.write(this.#file, header, 0);
    } catch (error) {
      this.#close();
      this.#remove();
      throw error;
    }
    this.#length = header.length;
  }

  append(messages: readonly SealedMessage[], purpose: "overflow" | "end"): boolean {
    const { files, maxOverflowBytes, reserve, release, onFailure } = this.#options;
    if (this.#file === undefined) return false;
    if (messages.length === 0) return true;
    const bytes = Buffer.from(messages.map(({ json }) => `${json}\n`).join(""));
    if (purpose === "overflow" && this.#length + bytes.length > maxOverflowBytes) return false;
    if (!reserve(bytes.length, purpose)) return false;
    try {
      files.write(this.#file, bytes, this.#length);
    } catch (error) {
      release(bytes.length);
      onFailure(error);
      this.#cutTo(this.#length);
      return false;
    }
    for (const message of messages) {
      this.#places.set(message.seq, { position: this.#length, length: message.bytes });
      this.#length += message.bytes + 1;
    }
    return true;
  }

  read(seq: number): string | undefined {
    const place = this.#places.get(seq);
    if (place === undefined || this.#file === undefined) return undefined;
    try {
      return this.#options.files.read(this.#file, place.position, place.length).toString("utf8");
    } catch (error) {
      this.#options.onFailure(error);
      return undefined;
    }
  }

  reset(): void {
    if (this.#file === undefined) return;
    this.#places.clear();
    this.#options.release(this.#length - this.#headerBytes);
    this.#length = this.#headerBytes;
    this.#cutTo(this.#headerBytes);
  }

  discard(): void {
    if (this.#file === undefined) return;
    this.#close();
    this.#remove();
    this.#options.release(this.#length - this.#headerBytes);
    this.#options.onRemoved();
  }

  /** A file that cannot be cut back is not written again, since what comes after a torn line is not read. */
  #cutTo(length: number): void {
    if (this.#file === undefined) return;
    try {
      this.#options.files.truncate(this.#file, length);
    } catch (error) {
      this.#options.onFailure(error);
      this.discard();
    }
  }

  #close(): void {
    if (this.#file === undefined) return;
    try {
      this.#options.files.close(this.#file);
    } catch {
      // There is nothing left to be done with it.
    }
    this.#file = undefined;
  }

  #remove(): void {
    try {
      this.#options.files.remove(this.#options.path);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }
}
