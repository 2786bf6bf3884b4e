import { EventEmitter, once } from "node:events";
import { readChatBody, type ChatBody } from "../lib/openai/chat-body.ts";
import type { ChatDelta } from "../lib/openai/delta.ts";
import type { CallTimeouts, ProviderCall, ServedBy, StreamSink } from "../lib/providers/types.ts";

export interface CallOptions {
  readonly model?: string;
  /** Fields over the default request of one user message. */
  readonly request?: Record<string, unknown>;
  readonly signal?: AbortSignal;
  readonly timeouts?: Partial<CallTimeouts>;
}

/** A request as the gateway reads it off the wire. */
export function chatBodyOf(request: Record<string, unknown>): ChatBody {
  return readChatBody(Buffer.from(JSON.stringify(request)));
}

/** One attempt, as the gateway makes it; clocks of 10 s unless told otherwise. */
export function createCall(options: CallOptions = {}): ProviderCall {
  const model = options.model ?? "test-model";
  return {
    requestId: "req_1",
    keyId: "key_1",
    completionId: "chatcmpl-1",
    created: 1_700_000_000,
    body: chatBodyOf({ model, messages: [{ role: "user", content: "Hi" }], ...options.request }),
    model,
    signal: options.signal ?? new AbortController().signal,
    timeouts: { connectMs: 10_000, firstOutputMs: 10_000, idleMs: 10_000, totalMs: 10_000, ...options.timeouts },
  };
}

/** A client's end of a stream that keeps everything, and is slow on demand. */
export class CollectingSink implements StreamSink {
  readonly opened: ServedBy[] = [];
  readonly deltas: ChatDelta[] = [];
  readonly payloads: string[] = [];
  /** While true, every output is answered by `false`. */
  slow = false;
  readonly #events = new EventEmitter();
  #drainListeners: (() => void)[] = [];

  get text(): string {
    return this.deltas.map(({ content }) => content ?? "").join("");
  }

  get count(): number {
    return this.deltas.length + this.payloads.length;
  }

  /** How many listeners wait for the reader to catch up. */
  get waiting(): number {
    return this.#drainListeners.length;
  }

  open(servedBy: ServedBy): void {
    this.opened.push(servedBy);
  }

  delta(delta: ChatDelta): boolean {
    this.deltas.push(delta);
    return this.#took();
  }

  raw(payload: string): boolean {
    this.payloads.push(payload);
    return this.#took();
  }

  onDrain(listener: () => void): void {
    this.#drainListeners.push(listener);
  }

  /** Catches up. */
  drain(): void {
    this.slow = false;
    for (const listener of this.#drainListeners.splice(0)) listener();
  }

  /** Resolves once so many outputs have come. */
  async received(count: number): Promise<void> {
    while (this.count < count) await once(this.#events, "output");
  }

  #took(): boolean {
    if (this.opened.length !== 1) throw new Error("output before open, or after a second one");
    this.#events.emit("output");
    return !this.slow;
  }
}
