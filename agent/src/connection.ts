/** The stream from the proxy: opened, watched, opened again. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import {
  SERVER_EVENTS,
  type AgentRequest,
  type CancelEvent,
  type ConnectedEvent,
  type DrainEvent,
} from "../../src/lib/agent/types.ts";
import { connectFailure, type ConnectFailure } from "./connect-failure.ts";
import { describeFailure, parseJson, type ProxyClient } from "./http-client.ts";
import type { AgentLogger } from "./logger.ts";
import { fullJitter, type Backoff, type Random, type Sleep } from "./timing.ts";

export type ServerEvent =
  | { readonly name: "connected"; readonly data: ConnectedEvent }
  | { readonly name: "request"; readonly data: AgentRequest }
  | { readonly name: "cancel"; readonly data: CancelEvent }
  | { readonly name: "ping"; readonly data: { readonly now: number } }
  | { readonly name: "drain"; readonly data: DrainEvent };

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly sessionId: string }
  /** `reason` says in words why there is no connection. */
  | { readonly kind: "waiting"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "closed" };

/** Why the connection is given up for good. */
export type ConnectionEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "fatal"; readonly exitCode: number; readonly message: string };

export interface ConnectionOptions {
  readonly client: ProxyClient;
  readonly logger: AgentLogger;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onState: (state: ConnectionState) => void;
  readonly sleep: Sleep;
  readonly random: Random;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Silence allowed until `connected` names the ping interval, in milliseconds. */
  readonly firstEventTimeoutMs?: number;
}

const BACKOFF: Backoff = { baseMs: 1000, maximumMs: 30_000 };
/** While nothing answers at all: so short that the agent is back within ten seconds of the network's return. */
const UNREACHABLE_BACKOFF: Backoff = { baseMs: 1000, maximumMs: 8000 };
/** A connection that held this long was a good one: the next failure starts from the beginning. */
const HEALTHY_MS = 60_000;
/** After an answer that waiting will hardly change, such as a revoked secret. */
const SLOW_RETRY: Backoff = { baseMs: 30_000, maximumMs: 30_000 };
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;
const SILENT_PING_INTERVALS = 1.5;

/** How one stream ended. */
type StreamEnd =
  | { readonly kind: "failed"; readonly failure: ConnectFailure }
  /** Nothing answered, or not to the end of `connected`. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** It had been connected for `heldMs`. */
  | { readonly kind: "lost"; readonly reason: string; readonly heldMs: number };

/** Holds one stream to the proxy and reports its events until stopped. */
export class Connection {
  readonly #options: ConnectionOptions;
  #wasConnected = false;
  #failures = 0;
  /** Spread of the next reconnect, in milliseconds, when the proxy asked for one. */
  #plannedSpreadMs: number | undefined;
  #stream = new AbortController();
  #wait = new AbortController();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Connects and reconnects until `signal` aborts or the proxy's answer is final. Never rejects. */
  async run(signal: AbortSignal): Promise<ConnectionEnd> {
    while (!signal.aborted) {
      this.#options.onState({ kind: "connecting" });
      this.#stream = new AbortController();
      const end = await this.#runStream(AbortSignal.any([signal, this.#stream.signal]));
      if (signal.aborted) break;
      const fatal = this.#fatalEnd(end);
      if (fatal !== null) {
        this.#options.onState({ kind: "closed" });
        return fatal;
      }
      const delayMs = this.#nextDelay(end);
      const reason = end.kind === "failed" ? end.failure.message : end.reason;
      this.#options.onState({ kind: "waiting", reason, delayMs });
      this.#wait = new AbortController();
      await this.#options.sleep(delayMs, AbortSignal.any([signal, this.#wait.signal]));
    }
    this.#options.onState({ kind: "closed" });
    return { kind: "stopped" };
  }

  /** Gives the present stream up and connects anew after a random part of `spreadMs`. */
  reconnect(spreadMs: number): void {
    this.planReconnect(spreadMs);
    this.#stream.abort();
  }

  /** The network may be another one: where it waits it tries at once, and a stream that stood is opened anew. */
  refresh(): void {
    this.#failures = 0;
    this.#wait.abort();
    this.reconnect(0);
  }

  /** Keeps the stream for as long as the proxy does, and then connects anew after a random part of `spreadMs`. */
  planReconnect(spreadMs: number): void {
    this.#plannedSpreadMs = spreadMs;
  }

  #fatalEnd(end: StreamEnd): ConnectionEnd | null {
    if (end.kind !== "failed") return null;
    const { exitCode, message, finality } = end.failure;
    const isFinal = finality === "always" || (finality === "at-first" && !this.#wasConnected);
    return isFinal && exitCode !== undefined ? { kind: "fatal", exitCode, message } : null;
  }

  #nextDelay(end: StreamEnd): number {
    const { random } = this.#options;
    const spreadMs = this.#plannedSpreadMs;
    this.#plannedSpreadMs = undefined;
    if (end.kind === "lost" && end.heldMs >= HEALTHY_MS) this.#failures = 0;
    if (end.kind === "lost" && spreadMs !== undefined) return random() * spreadMs;
    const slow = end.kind === "failed" && end.failure.finality !== "never";
    const failures = this.#failures;
    this.#failures += 1;
    if (end.kind === "unreachable") return fullJitter(UNREACHABLE_BACKOFF, failures, random);
    const delayMs = slow
      ? SLOW_RETRY.baseMs / 2 + fullJitter(SLOW_RETRY, 0, random) / 2
      : fullJitter(BACKOFF, failures, random);
    const askedMs = end.kind === "failed" ? (end.failure.retryAfterMs ?? 0) : 0;
    return Math.max(delayMs, Math.min(askedMs, BACKOFF.maximumMs));
  }

  async #runStream(signal: AbortSignal): Promise<StreamEnd> {
    const { client, now } = this.#options;
    const silence = new SilenceWatch(this.#options.firstEventTimeoutMs ?? 30_000);
    let connectedAt: number | undefined;
    const lost = (reason: string): StreamEnd =>
      connectedAt === undefined
        ? { kind: "unreachable", reason }
        : { kind: "lost", reason, heldMs: now() - connectedAt };
    try {
      const answer = await client.openStream("/api/agent/connect", AbortSignal.any([signal, silence.signal]));
      const failure = await connectFailure(answer, client.hasToken);
      if (failure !== null) return { kind: "failed", failure };
      const problem = await this.#readEvents(answer.body, silence, () => {
        connectedAt ??= now();
      });
      return lost(problem ?? "the proxy closed the stream");
    } catch (error) {
      return lost(silence.signal.aborted ? "the proxy fell silent" : describeFailure(error));
    } finally {
      silence.stop();
    }
  }

  /** Reads to the end of the stream; answers what was wrong with it, or `undefined` at a plain end. */
  async #readEvents(
    body: AsyncIterable<unknown>,
    silence: SilenceWatch,
    onConnected: () => void,
  ): Promise<string | undefined> {
    const decoder = new TextDecoder();
    let isOpen = false;
    let problem: string | undefined;
    const parser = createParser({
      maxBufferSize: MAX_EVENT_CHARACTERS,
      onEvent: (message) => {
        const event = this.#readEvent(message);
        if (event === null || (!isOpen && event.name !== "connected")) return;
        if (event.name === "connected") {
          // What was planned before, while there was no stream, has come about.
          if (!isOpen) this.#plannedSpreadMs = undefined;
          isOpen = true;
          this.#wasConnected = true;
          silence.allow(event.data.pingIntervalMs * SILENT_PING_INTERVALS);
          onConnected();
          this.#options.onState({ kind: "connected", sessionId: event.data.sessionId });
        }
        this.#options.onEvent(event);
      },
      onError: (error) => {
        if (error.type === "max-buffer-size-exceeded") problem = "the proxy sent an event that is too large";
      },
    });
    for await (const chunk of body) {
      silence.touch();
      if (chunk instanceof Uint8Array) parser.feed(decoder.decode(chunk, { stream: true }));
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #readEvent(message: EventSourceMessage): ServerEvent | null {
    const name = message.event ?? "message";
    if (!isServerEventName(name)) return null;
    const parsed = SERVER_EVENTS[name].safeParse(parseJson(message.data));
    if (!parsed.success) {
      const field = parsed.error.issues[0]?.path.join(".") ?? "";
      this.#options.logger.warn("ignored a malformed event", { event: name, field });
      return null;
    }
    // The schema was looked up by the same name, which the compiler cannot follow through the lookup.
    return { name, data: parsed.data } as ServerEvent;
  }
}

function isServerEventName(name: string): name is keyof typeof SERVER_EVENTS {
  return Object.hasOwn(SERVER_EVENTS, name);
}

/** Aborts its signal after a time without {@link SilenceWatch.touch}. */
class SilenceWatch {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(allowedMs: number) {
    this.#timer = this.#start(allowedMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  allow(allowedMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(allowedMs);
  }

  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(allowedMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#controller.abort(), allowedMs);
  }
}
