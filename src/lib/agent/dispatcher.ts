import { GatewayError, toGatewayError } from "../http/errors.ts";
import type { BodyPreparer } from "../prepare-body/prepare-body.ts";
import type { ProviderCall, ProviderOutcome, StreamSink } from "../providers/types.ts";
import { abortError } from "./abort.ts";
import type { RetryRule } from "./agent-failure.ts";
import { PendingRequest } from "./pending-request.ts";
import { selectAgent } from "./selection.ts";
import { offersModel } from "./types.ts";
import type { AgentSession } from "./session.ts";
import { WaitQueue } from "./wait-queue.ts";

/** What a client is told to wait when every agent is busy, or away, in milliseconds. */
const RETRY_AFTER_MS = 5000;

export interface DispatcherOptions {
  readonly queueMax: number;
  readonly queueWaitMs: number;
  readonly bodies: BodyPreparer;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly sessions: () => Iterable<AgentSession>;
  /** The requests or the queue have changed. */
  readonly onChanged: () => void;
}

/** Holds every request that waits for an agent or runs on one, and brings the two together. */
export class RequestDispatcher {
  readonly #options: DispatcherOptions;
  readonly #requests = new Map<string, PendingRequest>();
  readonly #queue: WaitQueue<PendingRequest>;
  #turn = 0;
  #isPlacing = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#queue = new WaitQueue({ max: options.queueMax, waitMs: options.queueWaitMs });
  }

  get pendingCount(): number {
    return this.#requests.size;
  }

  get queuedCount(): number {
    return this.#queue.size;
  }

  /** The age of the oldest request, in whole milliseconds; null when there is none. */
  oldestMs(): number | null {
    // A Map keeps the order of insertion, which is the order of age.
    for (const { startedAt } of this.#requests.values()) return Math.round(this.#options.now() - startedAt);
    return null;
  }

  /** Resolves once an agent has answered and all was given to the sink. Throws GatewayError. */
  async dispatch(call: ProviderCall, sink: StreamSink, stream: boolean): Promise<ProviderOutcome> {
    const form = { type: "checked", model: call.model } as const;
    const preparing = this.#options.bodies.prepare(call.body, form, call.signal);
    // Waited for only where it is large: a small one is there.
    const { bytes: body } = preparing instanceof Promise ? await preparing : preparing;
    // An abort that came before a PendingRequest listens for it would be missed.
    if (call.signal.aborted) throw abortError(call.signal);
    const request = new PendingRequest({
      call,
      body,
      sink,
      wireId: this.#wireId(call.requestId),
      stream,
      now: this.#options.now,
      retry: (failed, rule) => this.#place(failed, rule) === undefined,
      onSettled: (settled) => {
        this.#requests.delete(settled.wireId);
        this.#queue.remove(settled);
        this.#options.onChanged();
      },
    });
    this.#requests.set(request.wireId, request);
    const refusal = this.#place(request, "any-agent");
    if (refusal !== undefined) request.fail(refusal, "superseded");
    else call.timing?.sent();
    return await request.outcome;
  }

  /** Gives waiting requests to agents that have become free, in the order of arrival; ends those that nobody will serve. */
  placeWaiting(): void {
    if (this.#isPlacing || this.#queue.size === 0) return;
    // Placing changes sessions, which leads back here.
    this.#isPlacing = true;
    try {
      for (const request of this.#queue.items()) {
        if (this.#assign(request)) this.#queue.remove(request);
        else if (!this.#mayBeServed(request)) request.fail(noAgent(request.model), "superseded");
      }
    } finally {
      this.#isPlacing = false;
    }
  }

  /** Ends all requests, for a proxy that closes. */
  failAll(error: GatewayError): void {
    for (const request of this.#requests.values()) request.fail(error, "shutdown");
  }

  /** Gives a request to an agent or lets it wait for one; answers why not where neither can be. */
  #place(request: PendingRequest, rule: RetryRule): GatewayError | undefined {
    if (this.#assign(request)) return undefined;
    if (rule !== "any-agent" || !this.#mayBeServed(request)) return noAgent(request.model);
    request.queued();
    if (!this.#queue.add(request, () => request.fail(agentsBusy(), "superseded"))) return agentsBusy();
    this.#options.onChanged();
    return undefined;
  }

  /** Whether the request needs no place any more: an agent has it, or it has failed for a reason of its own. Never throws. */
  #assign(request: PendingRequest): boolean {
    try {
      const sessions = [...this.#options.sessions()];
      const selection = selectAgent(sessions, request.model, this.#turn, (agent) => !mayTake(agent, request));
      if (selection === undefined) return false;
      this.#turn = selection.nextTurn;
      selection.agent.dispatch(request.begin(selection.agent));
    } catch (thrown) {
      // Whoever has caused the placing is another request's client or agent.
      request.fail(toGatewayError(thrown), "superseded");
    }
    return true;
  }

  #mayBeServed(request: PendingRequest): boolean {
    for (const session of this.#options.sessions()) {
      if (session.mayServe && mayTake(session, request) && offersModel(session.models, request.model)) return true;
    }
    return false;
  }

  /** The call's own id unless an agent may still know another request by it. */
  #wireId(requestId: string): string {
    const sessions = [...this.#options.sessions()];
    const isTaken = (id: string): boolean => this.#requests.has(id) || sessions.some((session) => session.knows(id));
    const base = requestId.slice(0, 100);
    let id = base;
    for (let count = 2; isTaken(id); count += 1) id = `${base}-${count}`;
    return id;
  }
}

function mayTake(agent: AgentSession, request: PendingRequest): boolean {
  return agent.serves(request.keyId) && !request.hasTried(agent);
}

function agentsBusy(): GatewayError {
  return new GatewayError("agents_busy", "All agents are busy.", { retryAfterMs: RETRY_AFTER_MS });
}

function noAgent(model: string): GatewayError {
  return new GatewayError("no_provider_available", `No agent that offers the model ${model} is connected.`, {
    retryAfterMs: RETRY_AFTER_MS,
    failover: true,
  });
}
