/** What one request has to tell the proxy: numbered, kept until acknowledged, bounded. */
import { createHash, type Hash } from "node:crypto";
import { deltaDigestText, PROTOCOL_LIMITS, type AgentChunk } from "../../src/lib/agent/types.ts";
import type { CliOutcome } from "../../src/lib/cli/types.ts";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import type { Usage } from "../../src/lib/openai/usage.ts";
import { DeltaBuffer } from "./delta-buffer.ts";
import { completeMessage, errorMessage, rejectMessage } from "./outbox-messages.ts";
import { MessageQueue, type OutboxStore, type SealedMessage } from "./outbox-queue.ts";

export interface OutboxBounds {
  /** Chunk data that may wait for its acknowledgement, in bytes; above it `delta` answers `false`. */
  readonly maxBytes: number;
  /** Chunk messages that may wait, likewise. */
  readonly maxMessages: number;
  /** Text of one chunk, in UTF-16 units. */
  readonly maxChunkText: number;
}

const DEFAULT_BOUNDS: OutboxBounds = {
  maxBytes: 1024 * 1024,
  maxMessages: 256,
  maxChunkText: PROTOCOL_LIMITS.maxChunkText,
};

/** Asked for when a request is accepted; undefined where there is none. */
export type OpenStore = (requestId: string, attempt: number) => OutboxStore | undefined;

/** Why a request failed, as the wire's `error` message says it; see agentErrorSchema. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  /** The request field at fault. */
  readonly param?: string | null | undefined;
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly stderrTail?: string | undefined;
  readonly usage?: Usage | undefined;
}

/** Ends a request for which the two sides' numbers no longer fit together. */
export const DISAGREEMENT: ErrorBody = {
  code: "agent_protocol_error",
  message: "The agent and the proxy disagree about what was sent.",
  status: 502,
  retryable: true,
};

/** Ends a request of which a part cannot be read back. */
const UNREADABLE: ErrorBody = {
  code: "agent_lost",
  message: "The agent cannot read back what it had kept on disk.",
  status: 502,
  retryable: true,
};

/** How the request ends, once that is known: it is numbered only when all deltas before it are. */
type Terminal =
  | { readonly kind: "open" }
  | { readonly kind: "waiting"; readonly body: (seq: number) => object }
  | { readonly kind: "sealed"; readonly seq: number };

/**
 * Takes accept, deltas and the end of one request and hands out numbered messages. A message keeps its number and its
 * bytes for ever; deltas are numbered only when they are about to be sent, so that what gathers meanwhile goes together.
 */
export class Outbox {
  readonly requestId: string;
  readonly #bounds: OutboxBounds;
  readonly #onMore: () => void;
  readonly #pending: DeltaBuffer;
  readonly #digest: Hash = createHash("sha256");
  readonly #openStore: OpenStore | undefined;
  readonly #sealed = new MessageQueue();
  #lastSeq = 0;
  #ackedSeq = 0;
  #sentSeq = 0;
  #deltaCount = 0;
  #opened: AgentChunk["opened"];
  #terminal: Terminal = { kind: "open" };
  #drainListeners: (() => void)[] = [];

  /** `onMore` is called when there is something new to send. */
  constructor(requestId: string, onMore: () => void, bounds: Partial<OutboxBounds> = {}, openStore?: OpenStore) {
    this.requestId = requestId;
    this.#openStore = openStore;
    this.#onMore = onMore;
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
    this.#pending = new DeltaBuffer(this.#bounds.maxChunkText);
  }

  /** What a process that is gone had still to say: numbered messages without a hole, the end as the last. */
  static recovered(
    requestId: string,
    onMore: () => void,
    { messages, store }: { readonly messages: readonly SealedMessage[]; readonly store: OutboxStore },
  ): Outbox {
    const outbox = new Outbox(requestId, onMore);
    outbox.#sealed.store = store;
    const [first, last] = [messages.at(0), messages.at(-1)];
    if (first === undefined || last === undefined) return outbox;
    outbox.#ackedSeq = first.seq - 1;
    outbox.#sentSeq = outbox.#ackedSeq;
    outbox.#lastSeq = last.seq;
    for (const message of messages) outbox.#sealed.push(message, true);
    outbox.#terminal = { kind: "sealed", seq: last.seq };
    return outbox;
  }

  /** Nothing of this request is of use to anybody any more. */
  discard(): void {
    this.#sealed.store?.discard();
  }

  /** Whether the end is known, so that it may be told by a later process. */
  get hasEnd(): boolean {
    return this.#terminal.kind !== "open";
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /** Number of deltas in the chunk messages so far. */
  get deltaCount(): number {
    return this.#deltaCount;
  }

  /** Whether the terminal message is acknowledged, so that nothing is left to say. */
  get isSettled(): boolean {
    return this.#terminal.kind === "sealed" && this.#ackedSeq >= this.#terminal.seq;
  }

  get hasUnsent(): boolean {
    return this.#sentSeq < this.#lastSeq || !this.#pending.isEmpty || this.#terminal.kind === "waiting";
  }

  accept(attempt: number): void {
    this.#sealed.store = this.#openStore?.(this.requestId, attempt);
    this.#seal((seq) => ({ type: "accept", requestId: this.requestId, seq, attempt }));
    this.#onMore();
  }

  /** What becomes response headers; goes out with the first chunk. */
  open(opened: { readonly model: string; readonly droppedParams: readonly string[] }): void {
    this.#opened = { model: opened.model, droppedParams: opened.droppedParams.slice(0, 100) };
  }

  /** Takes one step of the answer. `false` means: enough waits; go on when `onDrain` calls back. Nothing is dropped. */
  delta(delta: ChatDelta): boolean {
    if (this.#terminal.kind !== "open") return true;
    this.#pending.push(delta);
    this.#onMore();
    return !this.#isFull() || this.#overflow();
  }

  /** Calls back once, at once if there is room. */
  onDrain(listener: () => void): void {
    if (this.#isFull()) this.#drainListeners.push(listener);
    else queueMicrotask(listener);
  }

  complete(outcome: CliOutcome): void {
    this.#end((seq) => {
      const sums = { deltaCount: this.#deltaCount, deltaSha256: this.#digest.copy().digest("hex") };
      return completeMessage({ requestId: this.requestId, seq }, outcome, sums);
    });
  }

  reject(code: string, message: string): void {
    this.#end((seq) => rejectMessage({ requestId: this.requestId, seq }, code, message));
  }

  error(body: ErrorBody): void {
    this.#end((seq) => errorMessage({ requestId: this.requestId, seq }, body));
  }

  /** Ends without what still waits to be numbered: for a client that is gone. */
  errorNow(body: ErrorBody): void {
    this.#pending.clear();
    this.error(body);
  }

  /**
   * Drops all that is not acknowledged and ends with an error at the number that the proxy expects next: for a message
   * that it will not take, or for numbers that it asks for again although it had acknowledged them.
   */
  failAt(ackedSeq: number, body: ErrorBody): void {
    this.#pending.clear();
    this.#sealed.clear();
    this.#ackedSeq = ackedSeq;
    this.#sentSeq = ackedSeq;
    this.#lastSeq = ackedSeq;
    this.#terminal = { kind: "open" };
    this.error(body);
    this.#releaseDrain();
  }

  /** The next unsent messages within the bounds, marked as sent. `bytes` are of their JSON in UTF-8. */
  take(maxBytes: number, maxMessages: number): SealedMessage[] {
    const taken: SealedMessage[] = [];
    let bytes = 0;
    while (taken.length < maxMessages) {
      const next = this.#nextUnsent();
      if (next === undefined || bytes + next.bytes > maxBytes) break;
      taken.push(next);
      bytes += next.bytes;
      this.#sentSeq = next.seq;
    }
    return taken;
  }

  /**
   * The proxy has everything up to `ackedSeq`; what comes after it is sent again. `false` when that is impossible: the
   * number lies before what was acknowledged earlier, or after what was ever sent.
   */
  acknowledge(ackedSeq: number): boolean {
    if (ackedSeq < this.#ackedSeq || ackedSeq > this.#lastSeq) return false;
    this.#sealed.acknowledge(ackedSeq);
    this.#ackedSeq = ackedSeq;
    this.#sentSeq = ackedSeq;
    if (this.#hasRoomAgain()) this.#releaseDrain();
    return true;
  }

  /** Everything not acknowledged counts as unsent again. */
  rewind(): void {
    this.#sentSeq = this.#ackedSeq;
  }

  #nextUnsent(): SealedMessage | undefined {
    const waiting = this.#sealed.at(this.#sentSeq - this.#ackedSeq);
    if (waiting === "unreadable") {
      this.failAt(this.#ackedSeq, UNREADABLE);
      return this.#nextUnsent();
    }
    if (waiting !== undefined) return waiting;
    const deltas = this.#pending.takeChunk();
    if (deltas.length > 0) return this.#sealChunk(deltas);
    return this.#terminal.kind === "waiting" ? this.#sealEnd(this.#terminal.body) : undefined;
  }

  #sealEnd(body: (seq: number) => object): SealedMessage {
    const message = this.#seal(body);
    this.#terminal = { kind: "sealed", seq: message.seq };
    return message;
  }

  /** Makes room by the store, if there is one. */
  #overflow(): boolean {
    if (this.#sealed.store === undefined) return false;
    this.#sealPending();
    return this.#sealed.overflow(this.#bounds.maxBytes / 2) && !this.#isFull();
  }

  #sealPending(): void {
    for (let deltas = this.#pending.takeChunk(); deltas.length > 0; deltas = this.#pending.takeChunk()) {
      this.#sealChunk(deltas);
    }
  }

  #sealChunk(deltas: ChatDelta[]): SealedMessage {
    let text = "";
    for (const delta of deltas) text += deltaDigestText(delta);
    this.#digest.update(text, "utf8");
    const opened = this.#deltaCount === 0 ? this.#opened : undefined;
    this.#deltaCount += deltas.length;
    return this.#seal((seq) => ({ type: "chunk", requestId: this.requestId, seq, opened, deltas }));
  }

  #seal(build: (seq: number) => object): SealedMessage {
    const seq = this.#lastSeq + 1;
    const json = JSON.stringify(build(seq));
    const message = { seq, json, bytes: Buffer.byteLength(json) };
    this.#lastSeq = seq;
    this.#sealed.push(message);
    return message;
  }

  #end(body: (seq: number) => object): void {
    if (this.#terminal.kind !== "open") return;
    this.#terminal = { kind: "waiting", body };
    if (this.#sealed.store !== undefined) {
      // Before it is sent: from here on, nothing that befalls this process takes the answer's end away.
      this.#sealPending();
      this.#sealEnd(body);
      this.#sealed.saveEnd();
    }
    this.#onMore();
  }

  #isFull(): boolean {
    return (
      this.#sealed.bytes + this.#pending.bytes >= this.#bounds.maxBytes ||
      this.#sealed.count >= this.#bounds.maxMessages
    );
  }

  /** Reading starts again at half, so that it does not stop and go with every message. */
  #hasRoomAgain(): boolean {
    return (
      this.#sealed.bytes + this.#pending.bytes <= this.#bounds.maxBytes / 2 &&
      this.#sealed.count <= this.#bounds.maxMessages / 2
    );
  }

  #releaseDrain(): void {
    const listeners = this.#drainListeners;
    this.#drainListeners = [];
    for (const listener of listeners) listener();
  }
}
