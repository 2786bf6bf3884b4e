/** What goes up to the proxy: one POST in flight, carrying everything that gathered since the last one. */
import {
  PROTOCOL_LIMITS,
  type AgentMessage,
  type CancelEvent,
  type MessageResult,
  type PostAnswer,
} from "../../src/lib/agent/types.ts";
import { describeFailure, type ProxyClient } from "./http-client.ts";
import type { AgentLogger } from "./logger.ts";
import { DISAGREEMENT, type Outbox } from "./outbox.ts";
import { readAnswer, type PostResult } from "./post-answer.ts";
import { fullJitter, type Backoff, type Random, type Sleep } from "./timing.ts";

/** Messages about the agent itself: not numbered, only the newest of each counts. */
export type ControlMessage = Extract<AgentMessage, { type: "hello" | "heartbeat" | "goodbye" }>;

export interface PostLimits {
  readonly maxPostBytes: number;
  readonly maxBatchMessages: number;
}

export interface PostLoopOptions {
  readonly client: ProxyClient;
  readonly logger: AgentLogger;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly onCancel: (cancel: CancelEvent) => void;
  /** All of this request is acknowledged, its end included. */
  readonly onSettled: (outbox: Outbox) => void;
  /** The proxy does not want this request any more. */
  readonly onRefused: (outbox: Outbox, status: "unknown" | "closed") => void;
}

const BACKOFF: Backoff = { baseMs: 500, maximumMs: 30_000 };
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const POST_PATH = "/api/agent/response";

/** One request's place in the queue. */
interface Lane {
  readonly outbox: Outbox;
  /** Waits after `held`, or after an answer that brought it no further. */
  pause: AbortController | null;
  /** Answers in a row that acknowledged nothing new. */
  stalls: number;
}

interface Batch {
  readonly controls: readonly ControlMessage[];
  readonly lanes: readonly Lane[];
  readonly count: number;
  readonly body: string;
}

/** Sends what outboxes and the agent itself have to say, until it is acknowledged. */
export class PostLoop {
  readonly #options: PostLoopOptions;
  readonly #lanes = new Map<Outbox, Lane>();
  #controls: ControlMessage[] = [];
  #limits: PostLimits = PROTOCOL_LIMITS;
  /** Messages per POST while the proxy refuses batches, to find the one at fault. */
  #refusedBatchLimit: number | undefined;
  #failures = 0;
  /** Ends the present wait for something to send. */
  #wakeUp: () => void = () => undefined;
  /** Aborted when a session begins or ends, and with the loop: ends the POST in flight and the wait after a failure. */
  #session = new AbortController();
  #idleListeners: (() => void)[] = [];
  #isPosting = false;

  constructor(options: PostLoopOptions) {
    this.#options = options;
  }

  add(outbox: Outbox): void {
    this.#lanes.set(outbox, { outbox, pause: null, stalls: 0 });
    this.wake();
  }

  remove(outbox: Outbox): void {
    this.#lanes.get(outbox)?.pause?.abort();
    this.#lanes.delete(outbox);
    this.wake();
  }

  /** Queues a message about the agent; it replaces a waiting one of its type and goes before all numbered ones. */
  control(message: ControlMessage): void {
    this.#controls = this.#controls.filter((waiting) => waiting.type !== message.type);
    if (message.type === "hello") this.#controls.unshift(message);
    else this.#controls.push(message);
    this.wake();
  }

  /**
   * A new connection stands: what was in flight is given up and sent again, `hello` goes first, and no wait that an
   * earlier failure imposed goes on.
   */
  beginSession(hello: ControlMessage, limits: PostLimits): void {
    this.#limits = limits;
    this.#failures = 0;
    this.#controls = [];
    this.#session.abort();
    this.#session = new AbortController();
    for (const lane of this.#lanes.values()) {
      lane.pause?.abort();
      lane.stalls = 0;
      lane.outbox.rewind();
    }
    this.control(hello);
  }

  /** The connection is gone: what was to be said about the agent is out of date, and a POST in flight may hang. */
  endSession(): void {
    this.#controls = [];
    this.#session.abort();
    this.#session = new AbortController();
    this.#notifyIdle();
  }

  /** Something new may be sent. Does not shorten the wait after a failure. */
  wake(): void {
    this.#wakeUp();
  }

  /** Resolves when nothing is left to send, or when `signal` aborts. */
  async flushed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.#isPosting || this.#hasWork())) {
      await new Promise<void>((resolve) => {
        this.#idleListeners.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Posts until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#session.abort();
      this.#wakeUp();
    };
    signal.addEventListener("abort", stop, { once: true });
    while (!signal.aborted) {
      const batch = this.#gather();
      if (batch === null) {
        this.#notifyIdle();
        await this.#somethingNew();
        continue;
      }
      this.#isPosting = true;
      const result = await this.#post(batch);
      this.#isPosting = false;
      if (signal.aborted) return;
      this.#handle(batch, result);
      if (result.kind === "failed") await this.#pauseAfterFailure(result);
    }
  }

  #hasWork(): boolean {
    if (this.#controls.length > 0) return true;
    for (const lane of this.#lanes.values()) if (lane.outbox.hasUnsent) return true;
    return false;
  }

  #notifyIdle(): void {
    const listeners = this.#idleListeners;
    this.#idleListeners = [];
    for (const listener of listeners) listener();
  }

  /** A plain resolver: this runs once per POST, where an AbortController each would cost more than the POST's JSON. */
  #somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
  }

  async #pauseAfterFailure(result: PostResult & { kind: "failed" }): Promise<void> {
    const delayMs = Math.max(
      fullJitter(BACKOFF, this.#failures, this.#options.random),
      Math.min(result.retryAfterMs ?? 0, BACKOFF.maximumMs),
    );
    this.#failures += 1;
    const { logger } = this.#options;
    const log = this.#failures === 1 ? logger.warn : logger.debug;
    log("could not report to the proxy, trying again", { reason: result.reason, delayMs: Math.round(delayMs) });
    await this.#options.sleep(delayMs, this.#session.signal);
  }

  #gather(): Batch | null {
    const maxMessages = this.#refusedBatchLimit ?? this.#limits.maxBatchMessages;
    const controls = this.#controls.splice(0, maxMessages);
    const parts = controls.map((message) => JSON.stringify(message));
    // Brackets and commas are counted with each part.
    let bytes = 2 + parts.reduce((sum, part) => sum + Buffer.byteLength(part) + 1, 0);
    const lanes: Lane[] = [];
    let isCut = false;
    for (const lane of this.#lanes.values()) {
      if (lane.pause !== null || !lane.outbox.hasUnsent) continue;
      const room = maxMessages - parts.length;
      let messages = lane.outbox.take(this.#limits.maxPostBytes - bytes - room, room);
      // Alone and still too large: only the proxy can say that it will not have it.
      if (messages.length === 0 && parts.length === 0) messages = lane.outbox.take(Infinity, 1);
      isCut ||= lane.outbox.hasUnsent;
      if (messages.length === 0) continue;
      lanes.push(lane);
      for (const message of messages) {
        parts.push(message.json);
        bytes += message.bytes + 1;
      }
      if (parts.length < maxMessages) continue;
      isCut = true;
      break;
    }
    if (isCut) this.#moveToEnd(lanes);
    return parts.length === 0 ? null : { controls, lanes, count: parts.length, body: `[${parts.join(",")}]` };
  }

  /** Where not all found room, the next POST begins with other requests. */
  #moveToEnd(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      this.#lanes.delete(lane.outbox);
      this.#lanes.set(lane.outbox, lane);
    }
  }

  async #post(batch: Batch): Promise<PostResult> {
    const interrupted = this.#session.signal;
    try {
      const answer = await this.#options.client.exchange({
        method: "POST",
        path: POST_PATH,
        body: batch.body,
        signal: interrupted,
        maxBytes: MAX_ANSWER_BYTES,
      });
      return interrupted.aborted ? { kind: "interrupted" } : readAnswer(answer);
    } catch (error) {
      if (interrupted.aborted) return { kind: "interrupted" };
      return { kind: "failed", reason: describeFailure(error) };
    }
  }

  #handle(batch: Batch, result: PostResult): void {
    if (result.kind === "answered") {
      this.#failures = 0;
      this.#refusedBatchLimit = undefined;
      this.#applyResults(batch, result.answer);
      return;
    }
    for (const lane of batch.lanes) lane.outbox.rewind();
    // beginSession() has queued what the new session needs.
    if (result.kind === "interrupted") return;
    if (result.kind === "failed") {
      this.#requeue(batch.controls);
      return;
    }
    this.#options.logger.error("the proxy refused messages", { status: result.status, messages: batch.count });
    if (batch.count > 1) {
      this.#requeue(batch.controls);
      this.#refusedBatchLimit = Math.max(1, Math.floor(batch.count / 2));
      return;
    }
    // One refused control message is dropped; one refused request message ends its request.
    this.#refusedBatchLimit = undefined;
    for (const { outbox } of batch.lanes) outbox.failAt(outbox.ackedSeq, DISAGREEMENT);
  }

  #requeue(controls: readonly ControlMessage[]): void {
    const newer = new Set(this.#controls.map((message) => message.type));
    this.#controls = [...controls.filter((message) => !newer.has(message.type)), ...this.#controls];
  }

  #applyResults(batch: Batch, answer: PostAnswer): void {
    const results = new Map(answer.results.map((result) => [result.requestId, result]));
    for (const lane of batch.lanes) {
      // The request may have been given up, or begun anew under the same id, while the POST was under way.
      if (this.#lanes.get(lane.outbox) !== lane) continue;
      this.#applyResult(lane, results.get(lane.outbox.requestId));
    }
    for (const cancel of answer.cancels) this.#options.onCancel(cancel);
  }

  #applyResult(lane: Lane, result: MessageResult | undefined): void {
    const { outbox } = lane;
    if (result?.status === "unknown" || result?.status === "closed") {
      this.remove(outbox);
      this.#options.onRefused(outbox, result.status);
      return;
    }
    const before = outbox.ackedSeq;
    if (result === undefined) outbox.rewind();
    else if (!outbox.acknowledge(result.ackedSeq)) outbox.failAt(result.ackedSeq, DISAGREEMENT);
    if (outbox.isSettled) {
      this.remove(outbox);
      this.#options.onSettled(outbox);
      return;
    }
    const hasAdvanced = outbox.ackedSeq > before;
    if (result?.status === "held") this.#pause(lane, result.retryAfterMs ?? BACKOFF.baseMs);
    else if (hasAdvanced) lane.stalls = 0;
    else {
      // Sent again at once the first time; slower if that does not help either.
      if (lane.stalls > 0) this.#pause(lane, fullJitter(BACKOFF, lane.stalls - 1, this.#options.random));
      lane.stalls += 1;
    }
  }

  #pause(lane: Lane, delayMs: number): void {
    const pause = new AbortController();
    lane.pause = pause;
    void this.#options.sleep(Math.min(delayMs, BACKOFF.maximumMs), pause.signal).then(() => {
      if (lane.pause === pause) lane.pause = null;
      this.wake();
    });
  }
}
