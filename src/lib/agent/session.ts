import { toGatewayError } from "../http/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { CancelReason } from "./abort.ts";
import { servesOnly, type AgentAccess, type Enrolment } from "./access.ts";
import { agentLost } from "./agent-failure.ts";
import type { Attempt, AttemptHost } from "./attempt.ts";
import type { CommitStatus } from "./commit.ts";
import { AgentConnection } from "./connection.ts";
import type { AgentEventStream } from "./event-stream.ts";
import { RecentRequests } from "./recent-requests.ts";
import type { Candidate } from "./selection.ts";
import {
  PROTOCOL_LIMITS,
  type AgentError,
  type AgentMessage,
  type AgentStatus,
  type CancelEvent,
  type DrainEvent,
  type HelloMessage,
  type SequencedMessage,
} from "./types.ts";

/** Most requests that the server gives to one agent at once, whatever the agent says. */
const MAX_CAPACITY = 100;
/** An agent that has posted nothing for so many ping intervals is taken for dead. */
const SILENT_INTERVALS = 2.5;
const RECENT_REQUESTS = 1000;

export interface AgentIdentity {
  readonly agentId: string;
  /** A uuid per process start of the agent. */
  readonly instance: string;
}

export interface SessionOptions extends AgentIdentity {
  readonly access: AgentAccess;
  readonly version: string;
  readonly protocol: number;
  /** What the process had offered whose place it takes: believed until its own hello. */
  readonly expectedModels: readonly string[];
  readonly pingIntervalMs: number;
  readonly resumeGraceMs: number;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Something that the dashboard, the selection or the queue may care about has changed. */
  readonly onChanged: () => void;
  /** The grace is over. */
  readonly onExpired: (session: AgentSession) => void;
}

type SessionState =
  | { readonly phase: "connecting" | "ready" | "draining"; readonly connection: AgentConnection }
  | { readonly phase: "resuming"; readonly grace: NodeJS.Timeout }
  | { readonly phase: "closed" };

type StatusEntry = AgentStatus["agents"][number];

/** One instance of an agent over all its connections: its stream, its clocks and the requests it has. */
export class AgentSession implements Candidate, AttemptHost {
  readonly agentId: string;
  readonly instance: string;
  readonly enrolment: Enrolment | undefined;
  readonly #options: SessionOptions;
  readonly #connectedSince = new Date();
  readonly #attempts = new Map<string, Attempt>();
  readonly #recent = new RecentRequests(RECENT_REQUESTS);
  #state: SessionState = { phase: "closed" };
  #lastActivity: number;
  #roundTripMs: number | null = null;
  #hello: HelloMessage | undefined;
  #isDraining = false;
  /** What ran when the present connection was opened; the first hello says whether the agent still has it. */
  #unreconciled: readonly Attempt[] = [];

  constructor(options: SessionOptions) {
    this.agentId = options.agentId;
    this.instance = options.instance;
    this.enrolment = options.access.enrolment;
    this.#options = options;
    this.#lastActivity = options.now();
  }

  /** Whether it may be given requests of this client key. */
  serves(keyId: string | undefined): boolean {
    return this.servesOnly === undefined || this.servesOnly === keyId;
  }

  /** The id of the only key that it serves; undefined where it serves all. */
  get servesOnly(): string | undefined {
    return servesOnly(this);
  }

  /** Whether these are the same process and the same credential as the ones it was let in with. */
  isOf(instance: string, access: AgentAccess): boolean {
    return this.instance === instance && this.enrolment?.id === access.enrolment?.id;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  get isReady(): boolean {
    return this.#state.phase === "ready";
  }

  /** Whether it serves now or may soon, so that a request for one of its models may wait for it. */
  get mayServe(): boolean {
    return !this.#isDraining && this.#state.phase !== "closed";
  }

  get models(): readonly string[] {
    return this.#hello?.models ?? this.#options.expectedModels;
  }

  get freeSlots(): number {
    return this.#capacity - this.#attempts.size;
  }

  get hasWork(): boolean {
    return this.#attempts.size > 0;
  }

  /** Whether nothing has been posted for so long that its connection, open or not, is taken for dead. */
  get isSilent(): boolean {
    return this.#options.now() - this.#lastActivity > SILENT_INTERVALS * this.#options.pingIntervalMs;
  }

  /** Whether it has, or lately had, a request of this id. */
  knows(requestId: string): boolean {
    return this.#attempts.has(requestId) || this.#recent.has(requestId);
  }

  attempt(requestId: string): Attempt | undefined {
    return this.#attempts.get(requestId);
  }

  /** Takes a new stream; an earlier one is ended at once. Sends `connected`. */
  attach(stream: AgentEventStream): void {
    const { pingIntervalMs, resumeGraceMs, protocol, now } = this.#options;
    const { maxPostBytes, maxBatchMessages } = PROTOCOL_LIMITS;
    this.#leaveState();
    this.touch();
    const connection = new AgentConnection({
      stream,
      pingIntervalMs,
      now,
      isSilent: () => this.isSilent,
      onUseless: (reason) => {
        this.#options.logger.warn({ agentId: this.agentId, reason }, "agent connection given up");
        this.detach(stream);
      },
    });
    this.#state = { phase: "connecting", connection };
    this.#unreconciled = [...this.#attempts.values()];
    connection.connected({
      agentId: this.agentId,
      sessionId: connection.id,
      protocol,
      pingIntervalMs,
      resumeGraceMs,
      limits: { maxPostBytes, maxBatchMessages },
      resume: [...this.#attempts.values()].map(({ requestId, ackedSeq, cancelling }) =>
        cancelling === undefined ? { requestId, ackedSeq } : { requestId, ackedSeq, drop: true },
      ),
    });
    this.#options.onChanged();
  }

  /** The stream has closed. Nothing happens if it is not the present one. */
  detach(stream: AgentEventStream): void {
    if (this.#connection?.stream !== stream) return;
    this.#leaveState();
    const grace = setTimeout(() => this.#options.onExpired(this), this.#options.resumeGraceMs);
    grace.unref();
    this.#state = { phase: "resuming", grace };
    this.#options.logger.info({ agentId: this.agentId, inFlight: this.#attempts.size }, "agent disconnected");
    this.#options.onChanged();
  }

  /** Ends the session: its stream is closed after a `cancel` for all that runs, and its requests are lost. */
  close(reason: string): void {
    if (this.#state.phase === "closed") return;
    const attempts = [...this.#attempts.values()];
    for (const { requestId } of attempts) this.sendCancel(requestId, "superseded");
    this.#leaveState();
    this.#state = { phase: "closed" };
    for (const attempt of attempts) attempt.fail(agentLost(reason));
    this.#options.onChanged();
  }

  /** Gives it a request; the slot is taken from now on. One that has ended meanwhile takes none. */
  dispatch(attempt: Attempt): void {
    const payload = attempt.payload();
    if (payload === undefined) return;
    this.#attempts.set(attempt.requestId, attempt);
    this.#connection?.request(payload);
    this.#options.onChanged();
  }

  drain(event: DrainEvent): void {
    this.#connection?.drain(event);
  }

  /** Notes that the agent has posted something. */
  touch(): void {
    this.#lastActivity = this.#options.now();
  }

  /** Takes a message about one request. */
  receive(message: SequencedMessage): { readonly status: CommitStatus; readonly ackedSeq: number } {
    const attempt = this.#attempts.get(message.requestId);
    if (attempt !== undefined) return { status: this.#receive(attempt, message), ackedSeq: attempt.ackedSeq };
    const ackedSeq = this.#recent.ackedSeq(message.requestId);
    if (ackedSeq === undefined) return { status: "unknown", ackedSeq: 0 };
    return { status: message.seq <= ackedSeq ? "duplicate" : "closed", ackedSeq };
  }

  /** Takes `hello`; answers the ids it lists that the server does not hold, for the agent to end. */
  hello(message: HelloMessage): readonly string[] {
    if (message.sessionId !== undefined && message.sessionId !== this.#connection?.id) return [];
    this.#hello = message;
    const listed = new Set(message.inFlight.map(({ requestId }) => requestId));
    const unreconciled = this.#unreconciled;
    this.#unreconciled = [];
    this.#becomeReady();
    for (const attempt of unreconciled) {
      if (attempt.isEnded || listed.has(attempt.requestId)) continue;
      const isUntouched = attempt.ackedSeq === 0 && attempt.cancelling === undefined;
      const payload = isUntouched ? attempt.payload() : undefined;
      if (payload !== undefined) this.#connection?.request(payload);
      else attempt.fail(agentLost("it reconnected without the request"));
    }
    this.#options.onChanged();
    return [...listed].filter((requestId) => !this.#attempts.has(requestId));
  }

  heartbeat(message: Extract<AgentMessage, { type: "heartbeat" }>): void {
    if (message.pingNow !== undefined && message.pingNow === this.#connection?.lastPing) {
      this.#roundTripMs = Math.max(0, this.#options.now() - message.pingNow);
    }
    if (message.draining === undefined || message.draining === this.#isDraining) return;
    this.#isDraining = message.draining;
    if (this.#hello !== undefined) this.#becomeReady();
    this.#options.onChanged();
  }

  /** The cancels that the agent has not confirmed. */
  cancels(): CancelEvent[] {
    const cancels: CancelEvent[] = [];
    for (const { requestId, cancelling } of this.#attempts.values()) {
      if (cancelling !== undefined) cancels.push({ requestId, reason: cancelling });
    }
    return cancels;
  }

  sendCancel(requestId: string, reason: CancelReason): void {
    this.#connection?.cancel({ requestId, reason });
    this.#options.onChanged();
  }

  reported({ requestId, model }: Attempt, { code, status, retryable, stderrTail }: AgentError): void {
    if (code === "cancelled") return;
    // The message and the CLI's stderr may quote a prompt.
    const entry = { agentId: this.agentId, requestId, model, code, status, retryable };
    this.#options.logger.warn(entry, "agent reported an error");
    if (stderrTail) this.#options.logger.debug({ requestId, stderrTail }, "what the CLI wrote to stderr");
  }

  ended(attempt: Attempt): void {
    if (this.#attempts.get(attempt.requestId) === attempt) this.#attempts.delete(attempt.requestId);
    this.#recent.remember(attempt.requestId, attempt.ackedSeq);
    this.#options.onChanged();
  }

  status(): StatusEntry {
    const now = this.#options.now();
    return {
      id: this.agentId,
      owner: this.enrolment === undefined ? null : { keyId: this.enrolment.owner.id, name: this.enrolment.owner.name },
      share: this.enrolment?.share ?? "all",
      version: this.#hello?.version ?? this.#options.version,
      platform: this.#hello?.platform ?? null,
      state: this.#state.phase === "closed" ? "resuming" : this.#state.phase,
      clis: (this.#hello?.clis ?? []).map((cli) => ({
        name: cli.name,
        version: cli.version,
        ready: cli.ready,
        reason: cli.reason,
      })),
      models: [...this.models],
      connectedSince: this.#connectedSince.toISOString(),
      lastActivity: new Date(Date.now() - (now - this.#lastActivity)).toISOString(),
      inFlight: this.#attempts.size,
      capacity: this.#capacity,
      roundTripMs: this.#roundTripMs,
      requests: [...this.#attempts.values()].map(({ requestId, model, startedAt, deltaCount }) => ({
        requestId,
        model,
        ageMs: Math.round(now - startedAt),
        deltas: deltaCount,
      })),
    };
  }

  /** What goes wrong with one request must not keep the rest of the POST from the others. */
  #receive(attempt: Attempt, message: SequencedMessage): CommitStatus {
    try {
      return attempt.receive(message);
    } catch (thrown) {
      const { agentId } = this;
      attempt.fail({ error: toGatewayError(thrown), retry: "never" });
      this.#options.logger.error({ agentId, requestId: message.requestId, error: thrown }, "a message was not taken");
      return "closed";
    }
  }

  get #capacity(): number {
    return Math.min(this.#hello?.maxConcurrency ?? 0, MAX_CAPACITY);
  }

  get #connection(): AgentConnection | undefined {
    return "connection" in this.#state ? this.#state.connection : undefined;
  }

  #becomeReady(): void {
    const connection = this.#connection;
    if (connection !== undefined) this.#state = { phase: this.#isDraining ? "draining" : "ready", connection };
  }

  #leaveState(): void {
    this.#connection?.close();
    if (this.#state.phase === "resuming") clearTimeout(this.#state.grace);
  }
}
