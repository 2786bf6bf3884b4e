import { changeError, GatewayError, toGatewayError } from "../http/errors.ts";
import type { ChatDelta } from "../openai/delta.ts";
import type { ProviderCall, ProviderOutcome, ServedBy, StreamSink } from "../providers/types.ts";
import { abortError, abortReason, type CancelReason } from "./abort.ts";
import type { AgentFailure, RetryRule } from "./agent-failure.ts";
import { Attempt, type AttemptHost, type AttemptOwner } from "./attempt.ts";
import { Delivery } from "./delivery.ts";
import { requestPayload } from "./request-payload.ts";
import type { AgentIdentity } from "./session.ts";
import { PROTOCOL_LIMITS, type AgentChunk, type AgentComplete } from "./types.ts";

export interface PendingRequestOptions {
  readonly call: ProviderCall;
  /** The request for the agent, checked, as JSON. */
  readonly body: Buffer;
  readonly sink: StreamSink;
  /** The id on the wire: unique among the requests that any agent may still know. */
  readonly wireId: string;
  readonly stream: boolean;
  readonly now: () => number;
  /** Puts a request that failed before any output somewhere else; `false` when there is nowhere. */
  readonly retry: (request: PendingRequest, rule: RetryRule) => boolean;
  readonly onSettled: (request: PendingRequest) => void;
}

type RequestState =
  | { readonly phase: "queued" }
  | { readonly phase: "running"; readonly attempt: Attempt }
  /** The agent is done; a slow client still reads. */
  | { readonly phase: "delivering" }
  | { readonly phase: "settled" };

/** One call over all its attempts: clocks of the whole, delivery to the client, and one end. */
export class PendingRequest implements AttemptOwner {
  readonly wireId: string;
  readonly model: string;
  /** The id of the client key that asks. */
  readonly keyId: string;
  readonly startedAt: number;
  /** Resolves after the last output was given to the sink. */
  readonly outcome: Promise<ProviderOutcome>;
  readonly #options: PendingRequestOptions;
  /** The agent processes that were asked: none is asked twice, under whatever connection it comes. */
  readonly #tried = new Set<string>();
  readonly #delivery: Delivery;
  readonly #deadline: NodeJS.Timeout;
  readonly #onAbort: () => void;
  #resolve: (outcome: ProviderOutcome) => void = () => undefined;
  #reject: (error: GatewayError) => void = () => undefined;
  #state: RequestState = { phase: "queued" };
  #attempts = 0;
  #agentId = "";
  #servedBy: ServedBy | undefined;
  /** Until output has come: nobody needs it afterwards. */
  #body: Buffer | undefined;

  constructor(options: PendingRequestOptions) {
    const { call } = options;
    this.#body = options.body;
    this.#options = options;
    this.wireId = options.wireId;
    this.model = call.model;
    this.keyId = call.keyId;
    this.startedAt = options.now();
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who dispatched it may have been failed before it could wait for the outcome.
    this.outcome.catch(() => undefined);
    this.#delivery = new Delivery({
      sink: options.sink,
      maxBufferedBytes: PROTOCOL_LIMITS.maxBufferedBytes,
      onPaused: (paused) => this.#runningAttempt()?.setPaused(paused),
      onFailure: (thrown) => this.fail(toGatewayError(thrown), "superseded"),
    });
    this.#deadline = setTimeout(() => {
      const error = new GatewayError("deadline_exceeded", `The request took longer than ${call.timeouts.totalMs} ms.`);
      this.fail(error, "timeout");
    }, call.timeouts.totalMs);
    this.#deadline.unref();
    this.#onAbort = () => this.fail(abortError(call.signal), abortReason(call.signal));
    call.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get isSettled(): boolean {
    return this.#state.phase === "settled";
  }

  /** Whether this process of an agent has been asked. */
  hasTried(agent: AgentIdentity): boolean {
    return this.#tried.has(processKey(agent));
  }

  /** Begins the next attempt. The caller sends its `request` event. */
  begin(agent: AgentIdentity & AttemptHost): Attempt {
    this.#attempts += 1;
    this.#agentId = agent.agentId;
    this.#tried.add(processKey(agent));
    const { call, stream, now } = this.#options;
    const number = this.#attempts;
    const attempt = new Attempt(
      {
        requestId: this.wireId,
        number,
        model: call.model,
        stream,
        timeouts: call.timeouts,
        owner: this,
        payload: () => this.#payload(number),
        input: () => this.#body,
        now,
      },
      agent,
    );
    this.#state = { phase: "running", attempt };
    return attempt;
  }

  /** Says that it waits for an agent (again). */
  queued(): void {
    this.#state = { phase: "queued" };
  }

  hasRoom(bytes: number): boolean {
    return this.#delivery.hasRoom(bytes);
  }

  deltas(opened: AgentChunk["opened"], deltas: readonly ChatDelta[], bytes: number): void {
    this.#open(opened?.model ?? this.model, opened?.droppedParams);
    this.#delivery.push(deltas, bytes);
  }

  completed(message: AgentComplete): void {
    if (this.isSettled) return;
    const droppedParams = message.droppedParams ?? this.#servedBy?.droppedParams;
    this.#open(message.model, droppedParams);
    if (this.isSettled) return;
    this.#state = { phase: "delivering" };
    const usage = message.usageSource === "none" ? undefined : (message.usage ?? undefined);
    const outcome: ProviderOutcome = {
      servedBy: { model: message.model, agentId: this.#agentId, ...(droppedParams ? { droppedParams } : {}) },
      finishReason: message.finishReason,
      usage,
      usageEstimated: message.usageSource === "estimate",
      costUsd: message.costUsd ?? undefined,
    };
    this.#delivery.whenEmpty(() => this.#settle(() => this.#resolve(outcome)));
  }

  failed(failure: AgentFailure): void {
    if (this.isSettled) return;
    const { error, retry } = failure;
    if (this.#delivery.isOpened) this.fail(final(error), "superseded");
    else if (retry === "never" || !error.failover || !this.#options.retry(this, retry)) this.fail(error, "superseded");
  }

  /** Ends it for the client, and cancels what runs. Does nothing once it has ended. */
  fail(error: GatewayError, reason: CancelReason): void {
    if (this.isSettled) return;
    const attempt = this.#runningAttempt();
    this.#settle(() => this.#reject(error));
    attempt?.cancel(reason);
  }

  #open(model: string, droppedParams: readonly string[] | undefined): void {
    this.#options.call.timing?.received();
    if (this.#servedBy !== undefined) return;
    this.#servedBy = { model, agentId: this.#agentId, ...(droppedParams ? { droppedParams } : {}) };
    this.#body = undefined;
    this.#delivery.open(this.#servedBy);
  }

  #settle(tellClient: () => void): void {
    this.#state = { phase: "settled" };
    tellClient();
    this.#body = undefined;
    clearTimeout(this.#deadline);
    this.#options.call.signal.removeEventListener("abort", this.#onAbort);
    this.#delivery.close();
    this.#options.onSettled(this);
  }

  #runningAttempt(): Attempt | undefined {
    return this.#state.phase === "running" ? this.#state.attempt : undefined;
  }

  #payload(attempt: number): string | undefined {
    const { call, stream, now } = this.#options;
    if (this.#body === undefined) return undefined;
    return requestPayload({
      requestId: this.wireId,
      attempt,
      model: call.model,
      stream,
      timeouts: call.timeouts,
      remainingMs: call.timeouts.totalMs - (now() - this.startedAt),
      body: this.#body,
      traceparent: call.traceContext?.traceparent,
    });
  }
}

function processKey({ agentId, instance }: AgentIdentity): string {
  return `${agentId} ${instance}`;
}

/** The same failure, but never a reason to try another target: output has been delivered. */
function final(error: GatewayError): GatewayError {
  return error.failover ? changeError(error, { failover: false, cause: error }) : error;
}
