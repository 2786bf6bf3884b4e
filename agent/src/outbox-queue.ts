/** The numbered messages that wait for their acknowledgement: in memory, on disk, or both. */

/** A message as it goes over the wire: written as JSON once, however often it is sent. */
export interface SealedMessage {
  readonly seq: number;
  readonly json: string;
  readonly bytes: number;
}

/** Where messages go that must outlive this process, or find no room in memory. No call throws. */
export interface OutboxStore {
  /** Keeps messages: those that overflow the memory, or an answer's end with what comes before it. `false`: it does not. */
  append(messages: readonly SealedMessage[], purpose: "overflow" | "end"): boolean;
  /** The JSON of a message that was kept; undefined where it cannot be read. */
  read(seq: number): string | undefined;
  /** Nothing of what was kept is needed any more. */
  reset(): void;
  /** Nor will anything be: nothing is to be left behind. Later calls do nothing. */
  discard(): void;
}

interface Waiting {
  readonly seq: number;
  readonly bytes: number;
  message: SealedMessage | undefined;
  isStored: boolean;
}

/** In the order of their numbers. */
export class MessageQueue {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #count = 0;
  store: OutboxStore | undefined;

  /** Of the messages in memory: bytes of their JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the messages in memory. */
  get count(): number {
    return this.#count;
  }

  push(message: SealedMessage, isStored = false): void {
    this.#waiting.push({ seq: message.seq, bytes: message.bytes, message, isStored });
    this.#bytes += message.bytes;
    this.#count += 1;
  }

  /** The message at a place, from 0; `unreadable` where the store cannot give it back. */
  at(index: number): SealedMessage | "unreadable" | undefined {
    const waiting = this.#waiting[index];
    if (waiting?.message !== undefined) return waiting.message;
    if (waiting === undefined) return undefined;
    const json = this.store?.read(waiting.seq);
    return json === undefined ? "unreadable" : { seq: waiting.seq, bytes: waiting.bytes, json };
  }

  /** Forgets everything up to a number; the store is emptied once it holds nothing that is needed. */
  acknowledge(seq: number): void {
    const keepFrom = this.#waiting.findIndex((waiting) => waiting.seq > seq);
    let hadStored = false;
    for (const waiting of this.#waiting.splice(0, keepFrom === -1 ? this.#waiting.length : keepFrom)) {
      this.#release(waiting);
      hadStored ||= waiting.isStored;
    }
    if (hadStored && !this.#waiting.some(({ isStored }) => isStored)) this.store?.reset();
  }

  clear(): void {
    this.store?.reset();
    this.#waiting = [];
    this.#bytes = 0;
    this.#count = 0;
  }

  /** Moves what is sent last out of memory, of which the first `keepBytes` stay. Answers whether the store took it. */
  overflow(keepBytes: number): boolean {
    if (this.store === undefined) return false;
    let kept = 0;
    const moved = this.#waiting.filter(({ message }) => {
      kept += message?.bytes ?? 0;
      return message !== undefined && kept > keepBytes;
    });
    const isSaved = this.#save(moved, "overflow");
    if (isSaved) for (const waiting of moved) this.#release(waiting);
    return isSaved;
  }

  /** Has the store keep all that waits. */
  saveEnd(): void {
    this.#save(this.#waiting, "end");
  }

  #save(all: readonly Waiting[], purpose: "overflow" | "end"): boolean {
    const unsaved = all.filter(({ isStored }) => !isStored);
    const messages = unsaved.flatMap(({ message }) => message ?? []);
    if (this.store?.append(messages, purpose) !== true) return false;
    for (const waiting of unsaved) waiting.isStored = true;
    return true;
  }

  #release(waiting: Waiting): void {
    if (waiting.message === undefined) return;
    waiting.message = undefined;
    this.#bytes -= waiting.bytes;
    this.#count -= 1;
  }
}
