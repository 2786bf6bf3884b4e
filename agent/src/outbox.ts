/** What one request has to tell the proxy: numbered, kept until acknowledged, bounded. */
import { createHash, type Hash } from "node:crypto";
import {
  deltaDigestText,
  PROTOCOL_LIMITS,
  type AgentChunk,
  type AgentComplete,
  type AgentError,
} from "../../src/lib/agent/types.ts";
import type { CliOutcome } from "../../src/lib/cli/types.ts";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import type { Usage } from "../../src/lib/openai/usage.ts";
import { DeltaBuffer } from "./delta-buffer.ts";

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

/** A message as it goes over the wire: written as JSON once, however often it is sent. */
export interface SealedMessage {
  readonly seq: number;
  readonly json: string;
  readonly bytes: number;
}

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
  #sealed: SealedMessage[] = [];
  #sealedBytes = 0;
  #lastSeq = 0;
  #ackedSeq = 0;
  #sentSeq = 0;
  #deltaCount = 0;
  #opened: AgentChunk["opened"];
  #terminal: Terminal = { kind: "open" };
  #drainListeners: (() => void)[] = [];

  /** `onMore` is called when there is something new to send. */
  constructor(requestId: string, onMore: () => void, bounds: Partial<OutboxBounds> = {}) {
    this.requestId = requestId;
    this.#onMore = onMore;
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
    this.#pending = new DeltaBuffer(this.#bounds.maxChunkText);
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
    return !this.#isFull();
  }

  /** Calls back once, at once if there is room. */
  onDrain(listener: () => void): void {
    if (this.#isFull()) this.#drainListeners.push(listener);
    else queueMicrotask(listener);
  }

  complete(outcome: CliOutcome): void {
    this.#end((seq): AgentComplete => ({
      type: "complete",
      requestId: this.requestId,
      seq,
      finishReason: outcome.finishReason,
      usage: outcome.usage,
      usageSource: outcome.usageSource,
      model: outcome.model,
      droppedParams: outcome.droppedParams.slice(0, 100),
      costUsd: outcome.costUsd,
      timings: outcome.timings,
      deltaCount: this.#deltaCount,
      deltaSha256: this.#digest.copy().digest("hex"),
    }));
  }

  reject(code: string, message: string): void {
    this.#end((seq) => ({ type: "reject", requestId: this.requestId, seq, code, message: message.slice(0, 4096) }));
  }

  error(body: ErrorBody): void {
    this.#end((seq) => this.#errorMessage(seq, body));
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
    this.#sealed = [];
    this.#sealedBytes = 0;
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
    const keepFrom = this.#sealed.findIndex((message) => message.seq > ackedSeq);
    for (const message of this.#sealed.splice(0, keepFrom === -1 ? this.#sealed.length : keepFrom)) {
      this.#sealedBytes -= message.bytes;
    }
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
    const waiting = this.#sealed[this.#sentSeq - this.#ackedSeq];
    if (waiting !== undefined) return waiting;
    const deltas = this.#pending.takeChunk();
    if (deltas.length > 0) return this.#sealChunk(deltas);
    if (this.#terminal.kind !== "waiting") return undefined;
    const message = this.#seal(this.#terminal.body);
    this.#terminal = { kind: "sealed", seq: message.seq };
    return message;
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
    this.#lastSeq += 1;
    const json = JSON.stringify(build(this.#lastSeq));
    const message = { seq: this.#lastSeq, json, bytes: Buffer.byteLength(json) };
    this.#sealed.push(message);
    this.#sealedBytes += message.bytes;
    return message;
  }

  #end(body: (seq: number) => object): void {
    if (this.#terminal.kind !== "open") return;
    this.#terminal = { kind: "waiting", body };
    this.#onMore();
  }

  #errorMessage(seq: number, body: ErrorBody): AgentError {
    return {
      ...body,
      type: "error",
      requestId: this.requestId,
      seq,
      message: body.message.slice(0, 4096),
      stderrTail: body.stderrTail?.slice(-4096),
    };
  }

  #isFull(): boolean {
    return (
      this.#sealedBytes + this.#pending.bytes >= this.#bounds.maxBytes ||
      this.#sealed.length >= this.#bounds.maxMessages
    );
  }

  /** Reading starts again at half, so that it does not stop and go with every message. */
  #hasRoomAgain(): boolean {
    return (
      this.#sealedBytes + this.#pending.bytes <= this.#bounds.maxBytes / 2 &&
      this.#sealed.length <= this.#bounds.maxMessages / 2
    );
  }

  #releaseDrain(): void {
    const listeners = this.#drainListeners;
    this.#drainListeners = [];
    for (const listener of listeners) listener();
  }
}
