import { GatewayError } from "../http/errors.ts";
import { ON_THIS_THREAD, type BodyPreparer } from "../prepare-body/prepare-body.ts";
import type { CompletionResult, ProviderCall, ProviderOutcome, StreamSink } from "../providers/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AgentAccess } from "./access.ts";
import { ChangeFeed } from "./change-feed.ts";
import { createCollectingSink } from "./collecting-sink.ts";
import { mergeStatus } from "./commit.ts";
import { RequestDispatcher } from "./dispatcher.ts";
import type { AgentEventStream } from "./event-stream.ts";
import { AgentSession, type AgentIdentity } from "./session.ts";
import {
  offersModel,
  type AgentMessage,
  type AgentStatus,
  type CancelEvent,
  type DrainEvent,
  type MessageResult,
  type PostAnswer,
  type SequencedMessage,
} from "./types.ts";

const MAX_AGENTS = 1000;
const MAX_LISTS = 1000;
/** When an agent that finds the house full is asked to try again, in milliseconds. */
const FULL_RETRY_AFTER_MS = 30_000;
/** When an agent is asked to resend what a slow client had no room for, in milliseconds. */
const HELD_RETRY_AFTER_MS = 100;

export interface AgentManagerOptions {
  readonly pingIntervalMs: number;
  /** How long in-flight requests survive without a connection. */
  readonly resumeGraceMs: number;
  /** Most requests that may wait for a free agent. */
  readonly queueMax: number;
  readonly queueWaitMs: number;
  /** Most agents that are let in at once, those within their grace included; 1000 unless told otherwise. */
  readonly maxAgents?: number;
  /** Checks the requests; on the calling thread unless told otherwise. */
  readonly bodies?: BodyPreparer;
  readonly logger: Logger;
  /** Monotonic milliseconds; `performance.now` unless a test says otherwise. */
  readonly now?: () => number;
}

/** An agent's process and what it has proved itself with. */
export type ProvenAgent = AgentIdentity & { readonly access: AgentAccess };

export interface AgentRegistration extends ProvenAgent {
  readonly version: string;
  readonly protocol: number;
  /** Called once the agent is let in. */
  readonly openStream: () => AgentEventStream;
}

export interface AgentConnectionHandle {
  /** To be called when the stream has closed. */
  closed(): void;
}

/** Knows the connected agents and the requests they have; see docs/agent-protocol.md for every rule. */
export class AgentManager {
  readonly #options: AgentManagerOptions;
  readonly #now: () => number;
  /** By {@link seatOf}. */
  readonly #sessions = new Map<string, AgentSession>();
  readonly #dispatcher: RequestDispatcher;
  readonly #changes: ChangeFeed;
  /** By key, until something changes: every request for a model of another provider asks. */
  readonly #models = new Map<string | undefined, readonly string[]>();
  /** Enrolments and owners' keys that have ended: a connect that was let in just before must not come through. */
  readonly #revoked = new Set<string>();
  #life: "open" | "draining" | "closed" = "open";
  #drainEvent: DrainEvent | undefined;

  constructor(options: AgentManagerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#changes = new ChangeFeed(options.logger);
    this.#dispatcher = new RequestDispatcher({
      queueMax: options.queueMax,
      queueWaitMs: options.queueWaitMs,
      bodies: options.bodies ?? ON_THIS_THREAD,
      now: this.#now,
      sessions: () => this.#sessions.values(),
      onChanged: () => this.#changed(),
    });
  }

  /**
   * Takes a connection in and sends `connected`. The same instance takes over from its earlier connection at once. Another
   * instance takes over an id whose holder is disconnected or has been silent for 2.5 ping intervals; the holder's requests
   * then fail over or fail. Throws `agent_identity_in_use` while the holder is alive; `agents_busy` when as many agents as may
   * be are there; once the proxy drains, `shutting_down` for all but those that come back to finish their work.
   */
  registerAgent(registration: AgentRegistration): AgentConnectionHandle {
    const { agentId, instance, access, version, protocol, openStream } = registration;
    const { pingIntervalMs, resumeGraceMs, logger } = this.#options;
    const seat = seatOf(registration);
    const holder = this.#sessions.get(seat);
    const isReturn = holder?.isOf(instance, access) === true;
    if (this.#isRevoked(access)) throw new GatewayError("invalid_api_key", "This agent was revoked.");
    const hasWork = isReturn && holder.hasWork;
    if (this.#life === "closed" || (this.#life === "draining" && !hasWork)) throw shuttingDown();
    if (holder === undefined && this.#sessions.size >= (this.#options.maxAgents ?? MAX_AGENTS)) throw houseFull();
    if (holder?.isConnected === true && !isReturn && !holder.isSilent) {
      throw new GatewayError("agent_identity_in_use", `Another agent is connected as ${agentId}.`, {
        retryAfterMs: Math.min(pingIntervalMs, 5000),
      });
    }
    const session =
      (isReturn ? holder : undefined) ??
      new AgentSession({
        agentId,
        instance,
        access,
        version,
        protocol,
        expectedModels: holder?.models ?? [],
        pingIntervalMs,
        resumeGraceMs,
        logger,
        now: this.#now,
        onChanged: () => this.#changed(),
        onExpired: (expired) => this.#remove(expired, "it did not come back in time"),
      });
    const stream = openStream();
    this.#sessions.set(seat, session);
    session.attach(stream);
    // Only now, so that what the lost process had not answered may wait for the one that is here instead.
    if (holder !== undefined && !isReturn) this.#close(holder, "a new instance took its place");
    if (this.#drainEvent !== undefined) session.drain(this.#drainEvent);
    logger.info({ agentId, instance, version, returned: isReturn }, "agent connected");
    return { closed: () => session.detach(stream) };
  }

  /** Closes an agent's stream and forgets it; its requests fail over, or fail with `agent_lost`. */
  removeAgent(agentId: string, reason: string): void {
    for (const session of this.#sessions.values()) if (session.agentId === agentId) this.#remove(session, reason);
  }

  /** Ends the agents of an enrolment, or of an owner's key, by its id: their streams at once, and what they run as for a lost agent. */
  revoke(id: string): void {
    this.#revoked.add(id);
    for (const session of this.#sessions.values()) {
      if (this.#isRevoked(session)) this.#remove(session, "it was revoked");
    }
  }

  /**
   * Whether an agent is connected, has said hello, does not drain, offers the model (any, if left out) and may serve the key
   * (any, likewise). Busy ones count.
   */
  hasConnectedAgent(model?: string, keyId?: string): boolean {
    if (this.#life !== "open") return false;
    for (const session of this.#sessions.values()) {
      const isFit = session.isReady && (keyId === undefined || session.serves(keyId));
      if (isFit && (model === undefined || offersModel(session.models, model))) return true;
    }
    return false;
  }

  /**
   * The models of the ready agents that may serve the key (without one: any key), each once; wildcards are left out. The
   * same array until an agent changes.
   */
  models(keyId?: string): readonly string[] {
    const known = this.#models.get(keyId);
    if (known !== undefined) return known;
    const models = new Set<string>();
    for (const session of this.#sessions.values()) {
      if (!session.isReady || !session.serves(keyId)) continue;
      for (const model of session.models) if (!model.endsWith("*")) models.add(model);
    }
    if (this.#models.size >= MAX_LISTS) this.#models.clear();
    const list = [...models];
    this.#models.set(keyId, list);
    return list;
  }

  /** What the ready agents offer, wildcards included, and to whose key alone (null: to all). */
  offers(): { readonly owner: string | null; readonly models: readonly string[] }[] {
    const ready = [...this.#sessions.values()].filter((session) => session.isReady);
    return ready.map(({ models, servesOnly }) => ({ owner: servesOnly ?? null, models }));
  }

  /** Whether this instance is registered, connected or within its grace. */
  knowsAgent(agent: ProvenAgent): boolean {
    return this.#session(agent) !== undefined;
  }

  /** Has a call answered by an agent, as one completion. Throws GatewayError. */
  async dispatchRequest(call: ProviderCall): Promise<CompletionResult> {
    if (this.#life !== "open") throw shuttingDown();
    const { sink, collector } = createCollectingSink();
    const outcome = await this.#dispatcher.dispatch(call, sink, false);
    const { servedBy, finishReason, usage } = outcome;
    const end = { id: call.completionId, created: call.created, model: servedBy.model, finishReason, usage };
    return { body: collector.completion(end), outcome };
  }

  /** Has a call answered by an agent, step by step. Resolves after the last output was given to the sink; throws GatewayError. */
  async dispatchStreamRequest(call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome> {
    if (this.#life !== "open") throw shuttingDown();
    return await this.#dispatcher.dispatch(call, sink, true);
  }

  /** Takes the messages of one POST, in order. Synchronous, and never throws for what an agent sends. */
  handleResponse(agent: ProvenAgent, messages: readonly AgentMessage[]): PostAnswer {
    const session = this.#session(agent);
    session?.touch();
    const results = new Map<string, MessageResult>();
    const cancels: CancelEvent[] = [];
    for (const message of messages) {
      switch (message.type) {
        case "hello":
          for (const requestId of session?.hello(message) ?? []) cancels.push({ requestId, reason: "superseded" });
          break;
        case "heartbeat":
          session?.heartbeat(message);
          break;
        case "goodbye":
          if (session !== undefined) this.#remove(session, "it said goodbye");
          break;
        default:
          commit(results, session, message);
      }
    }
    if (session !== undefined) cancels.push(...session.cancels());
    return { results: [...results.values()], cancels };
  }

  /** The body of a request that was sent by reference, as JSON; only for the instance that has it, before its output. */
  requestInput(requestId: string, agent: ProvenAgent): Buffer | undefined {
    const attempt = this.#session(agent)?.attempt(requestId);
    return attempt?.cancelling === undefined ? attempt?.input() : undefined;
  }

  /** All of it; for the holder of a key only the agents that may serve the key, and their work where they are the key's own. */
  status(keyId?: string): AgentStatus {
    const sessions = [...this.#sessions.values()].filter((session) => keyId === undefined || session.serves(keyId));
    return {
      agents: sessions.map((session) => {
        const status = session.status();
        return keyId === undefined || status.owner?.keyId === keyId ? status : { ...status, owner: null, requests: [] };
      }),
      pendingRequests: this.#dispatcher.pendingCount,
      queuedRequests: this.#dispatcher.queuedCount,
      oldestPendingMs: this.#dispatcher.oldestMs(),
    };
  }

  /** Calls back after changes of agents and requests, once per turn of the event loop, never per chunk. */
  subscribe(listener: () => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Takes no new work and tells the agents; what was taken, waiting or running, goes on. */
  drain(reason: string, reconnectAfterMs: number): void {
    if (this.#life !== "open") return;
    this.#life = "draining";
    this.#drainEvent = { reason, reconnectAfterMs };
    for (const session of this.#sessions.values()) session.drain(this.#drainEvent);
    this.#changes.announce();
  }

  /** Fails what is left with `shutting_down`, ends all streams and stops all clocks. */
  async close(): Promise<void> {
    this.#life = "closed";
    this.#dispatcher.failAll(shuttingDown());
    for (const session of this.#sessions.values()) this.#remove(session, "the proxy is shutting down");
    this.#changes.close();
  }

  #session(agent: ProvenAgent): AgentSession | undefined {
    const session = this.#sessions.get(seatOf(agent));
    return session?.isOf(agent.instance, agent.access) === true ? session : undefined;
  }

  #isRevoked({ enrolment }: AgentAccess): boolean {
    return enrolment !== undefined && (this.#revoked.has(enrolment.id) || this.#revoked.has(enrolment.owner.id));
  }

  #remove(session: AgentSession, reason: string): void {
    const seat = seatOf({ agentId: session.agentId, access: session });
    if (this.#sessions.get(seat) !== session) return;
    this.#sessions.delete(seat);
    this.#close(session, reason);
  }

  #close(session: AgentSession, reason: string): void {
    session.close(reason);
    this.#options.logger.info({ agentId: session.agentId, instance: session.instance, reason }, "agent removed");
    this.#changed();
  }

  #changed(): void {
    this.#models.clear();
    this.#changes.announce();
    this.#dispatcher.placeWaiting();
  }
}

/**
 * What one agent at a time holds: a name, for each way of being let in. Whoever logs in under the name of an agent that came
 * with the shared secret must not take its place.
 */
function seatOf({ agentId, access }: Pick<ProvenAgent, "agentId" | "access">): string {
  return `${access.enrolment === undefined ? "secret" : "login"} ${agentId}`;
}

function commit(
  results: Map<string, MessageResult>,
  session: AgentSession | undefined,
  message: SequencedMessage,
): void {
  const { requestId } = message;
  const earlier = results.get(requestId);
  // A chunk that is held back leaves a hole behind it in this POST, which is no news to the agent.
  if (earlier?.status === "held") return;
  const verdict = session?.receive(message) ?? { status: "unknown" as const, ackedSeq: 0 };
  const status = mergeStatus(earlier?.status, verdict.status);
  results.set(requestId, {
    requestId,
    status,
    ackedSeq: verdict.ackedSeq,
    ...(status === "held" ? { retryAfterMs: HELD_RETRY_AFTER_MS } : {}),
  });
}

function houseFull(): GatewayError {
  const options = { retryAfterMs: FULL_RETRY_AFTER_MS };
  return new GatewayError("agents_busy", "As many agents as the proxy lets in are connected.", options);
}

function shuttingDown(): GatewayError {
  return new GatewayError("shutting_down", "The proxy is shutting down.", { retryAfterMs: 1000 });
}
