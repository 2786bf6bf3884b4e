import { randomUUID } from "node:crypto";
import type { AgentEventStream } from "./event-stream.ts";
import type { CancelEvent, ConnectedEvent, DrainEvent } from "./types.ts";

/** An agent that lets this much pile up on its stream is cut off, in bytes. */
const MAX_STREAM_BUFFER_BYTES = 8 * 1024 * 1024;

export interface ConnectionOptions {
  readonly stream: AgentEventStream;
  readonly pingIntervalMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Asked before each ping: whether the agent has been silent for too long. */
  readonly isSilent: () => boolean;
  /** The connection is of no use any more and must be given up; called at most once. */
  readonly onUseless: (reason: string) => void;
}

/** One SSE connection to an agent: typed events down, pings, and an end for one that is dead or does not read. */
export class AgentConnection {
  readonly id = randomUUID();
  readonly stream: AgentEventStream;
  readonly #options: ConnectionOptions;
  readonly #pingTimer: NodeJS.Timeout;
  #lastPing: number | undefined;

  constructor(options: ConnectionOptions) {
    this.stream = options.stream;
    this.#options = options;
    this.#pingTimer = setInterval(() => this.#ping(), options.pingIntervalMs);
    this.#pingTimer.unref();
  }

  /** The `now` of the last ping. */
  get lastPing(): number | undefined {
    return this.#lastPing;
  }

  connected(event: ConnectedEvent): void {
    this.#send("connected", JSON.stringify(event));
  }

  /** Sends a `request` event; the payload is JSON text. */
  request(payload: string): void {
    this.#send("request", payload);
  }

  cancel(event: CancelEvent): void {
    this.#send("cancel", JSON.stringify(event));
  }

  drain(event: DrainEvent): void {
    this.#send("drain", JSON.stringify(event));
  }

  /** Ends the stream after what was sent. */
  close(): void {
    clearInterval(this.#pingTimer);
    this.stream.close();
  }

  #ping(): void {
    if (this.#options.isSilent()) {
      this.#giveUp("the agent is silent");
      return;
    }
    this.#lastPing = this.#options.now();
    this.#send("ping", JSON.stringify({ now: this.#lastPing }));
  }

  #send(event: "connected" | "request" | "cancel" | "ping" | "drain", data: string): void {
    this.stream.send(event, data);
    if (this.stream.bufferedBytes > MAX_STREAM_BUFFER_BYTES) this.#giveUp("the agent does not read its stream");
  }

  #giveUp(reason: string): void {
    clearInterval(this.#pingTimer);
    this.#options.onUseless(reason);
    this.stream.destroy();
  }
}
