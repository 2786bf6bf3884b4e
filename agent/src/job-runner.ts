/** Which requests this agent takes, and what becomes of them when the connection or the agent itself goes. */
import {
  type AgentRequest,
  type CancelEvent,
  type ConnectedEvent,
  type HelloMessage,
} from "../../src/lib/agent/types.ts";
import type { CliSet, PlacedModel, PlacingRefusal } from "./cli-set.ts";
import { Job, JobAbort, type JobOptions } from "./job.ts";
import { printable, type AgentLogger } from "./logger.ts";
import { plainModel } from "./model-display.ts";
import { DISAGREEMENT, Outbox, type ErrorBody, type OpenStore, type OutboxBounds } from "./outbox.ts";
import type { Admission, AgentPolicy, PolicyRefusal } from "./policy/agent-policy.ts";
import type { InputSource } from "./request-input.ts";
import type { RecoveredAnswer } from "./spool/spool.ts";

export interface JobRunnerOptions {
  readonly clis: Pick<CliSet, "place">;
  readonly input: InputSource;
  readonly logger: AgentLogger;
  readonly maxConcurrency: number;
  /** The owner's rules; without them all is let in. */
  readonly policy?: Pick<AgentPolicy, "admit"> | undefined;
  readonly ask?: JobOptions["ask"];
  readonly now: () => number;
  /** A new outbox to be sent from. */
  readonly addOutbox: (outbox: Outbox) => void;
  readonly removeOutbox: (outbox: Outbox) => void;
  /** More to send from an outbox. */
  readonly onMore: () => void;
  /** Something about the jobs changed: for the display and for who waits until all is done. */
  readonly onChange: (job: Job | undefined) => void;
  /** The bounds of one chunk and of what may wait, from the proxy's limits. */
  readonly outboxBounds: () => Partial<OutboxBounds>;
  /** Keeps a request on disk from its beginning on. */
  readonly openStore?: OpenStore | undefined;
}

/** What becomes of a request whose CLI died with an earlier process. */
const LOST: ErrorBody = {
  code: "agent_lost",
  message: "The agent was restarted while it worked on this request.",
  status: 502,
  retryable: true,
};

/** Beyond the grace, how long the end of a request is kept for the proxy to ask for, in milliseconds. */
const KEEP_ENDED_EXTRA_MS = 60_000;

/** As many as one hello can list. */
const MAX_JOBS = 1000;

/** How many settled requests are remembered, so that a repeated `request` event does not run them again. */
const MAX_SETTLED = 1000;

type Placed = PlacedModel & { readonly admission?: Admission };
type Refusal = PlacingRefusal | PolicyRefusal | { readonly code: "busy"; readonly message: string };

/** Owns the jobs of this process. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #settling = new Map<string, Promise<void>>();
  readonly #expiries = new Map<Job, NodeJS.Timeout>();
  /** Attempt by request id, oldest first. */
  readonly #settledAttempts = new Map<string, number>();
  #intake: "open" | "draining" = "open";
  #resumeGraceMs = 15_000;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /** All requests that are not yet settled with the proxy. */
  get jobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** Requests whose CLI runs or is being ended, whether or not anybody still waits for them. */
  get activeCount(): number {
    return this.#settling.size;
  }

  get inFlight(): HelloMessage["inFlight"] {
    return this.jobs.map(({ id, outbox }) => ({ requestId: id, lastSeq: outbox.lastSeq, ackedSeq: outbox.ackedSeq }));
  }

  /** Takes over what an earlier process of this agent has left. To be called before the first connection. */
  recover(found: readonly RecoveredAnswer[]): void {
    for (const answer of found) {
      const { requestId, attempt } = answer;
      const outbox = Outbox.recovered(requestId, this.#options.onMore, answer);
      const job = Job.recovered(requestId, attempt, outbox, this.#options);
      this.#jobs.set(requestId, job);
      this.#keepForAWhile(job);
      this.#options.addOutbox(outbox);
    }
  }

  /** Refuses new work from now on. */
  closeIntake(): void {
    this.#intake = "draining";
  }

  /** Takes or refuses a request. One that is, or lately was, here in this or a later attempt is ignored. */
  handleRequest(request: AgentRequest): void {
    const { requestId, attempt } = request;
    if ((this.#settledAttempts.get(requestId) ?? 0) >= attempt) return;
    const previous = this.#jobs.get(requestId);
    if (previous !== undefined && previous.request.attempt >= attempt) return;
    if (previous !== undefined) this.#forget(previous, "superseded by a later attempt");
    if (this.#jobs.size >= MAX_JOBS) {
      this.#options.logger.error("ignored a request: too many are unsettled", { requestId });
      return;
    }
    const { addOutbox, onMore, outboxBounds, openStore } = this.#options;
    const outbox = new Outbox(requestId, onMore, outboxBounds(), openStore);
    const job = new Job(request, outbox, { ...this.#options, onChange: (changed) => this.#onJobChange(changed) });
    const found = this.#place(request);
    this.#jobs.set(requestId, job);
    addOutbox(outbox);
    if (!("code" in found)) this.#start(job, found);
    else {
      this.#options.logger.info("refused a request", {
        requestId,
        model: plainModel(request.model),
        code: found.code,
      });
      job.reject(found.code, found.message);
    }
  }

  /** Kills the CLI of a request; the proxy hears of it by an error with code `cancelled`. */
  handleCancel(cancel: CancelEvent): void {
    const job = this.#jobs.get(cancel.requestId);
    if (job?.isActive !== true) return;
    this.#options.logger.info("cancelled by the proxy", { requestId: job.id, reason: printable(cancel.reason) });
    const message = `Cancelled: ${cancel.reason}.`;
    job.abort(new JobAbort({ code: "cancelled", message, status: 499, retryable: false }));
  }

  /** A connection stands: goes on with what the proxy still holds and ends everything else. */
  handleResume(connected: ConnectedEvent): void {
    this.#resumeGraceMs = connected.resumeGraceMs;
    const held = new Map(connected.resume.map((entry) => [entry.requestId, entry]));
    for (const job of this.jobs) {
      const entry = held.get(job.id);
      if (entry === undefined) {
        this.#remember(job);
        this.#forget(job, "the proxy no longer holds it");
        continue;
      }
      // The proxy waits for the end of what it cancelled, since only that frees the slot.
      if (entry.drop === true) this.handleCancel({ requestId: job.id, reason: "dropped" });
      if (!job.isActive && !job.outbox.hasEnd) job.outbox.failAt(entry.ackedSeq, LOST);
      else if (!job.outbox.acknowledge(entry.ackedSeq)) {
        job.abort(new JobAbort(DISAGREEMENT));
        job.outbox.failAt(entry.ackedSeq, DISAGREEMENT);
      } else if (job.outbox.isSettled) this.settle(job.outbox);
    }
  }

  /** The end of this outbox's request is acknowledged. */
  settle(outbox: Outbox): void {
    const job = this.#jobs.get(outbox.requestId);
    if (job?.outbox !== outbox) return;
    if (job.isActive) job.abort(new JobAbort(DISAGREEMENT));
    this.#remove(job);
    this.#remember(job);
  }

  /** The proxy refuses this outbox's request: nobody waits for it any more. */
  handleRefused(outbox: Outbox, status: "unknown" | "closed"): void {
    const job = this.#jobs.get(outbox.requestId);
    if (job?.outbox !== outbox) return;
    this.#remember(job);
    this.#forget(job, `the proxy answered ${status}`);
  }

  /** Gives up every request without telling the proxy, which has given them up too. */
  abandonAll(why: string): void {
    for (const job of this.jobs) this.#forget(job, why);
  }

  /** Gives up what runs. What has ended is left where a later process of this agent may find it. */
  leave(): void {
    for (const job of this.jobs) if (job.isActive || !job.outbox.hasEnd) this.#forget(job, "the agent stops");
  }

  /** Aborts what runs and tells the proxy that the agent stopped. */
  stopAll(): void {
    const body = { code: "agent_lost", message: "The agent was stopped.", status: 502, retryable: true };
    for (const job of this.jobs) job.abort(new JobAbort(body));
  }

  /** Resolves when no process of a job runs any more. */
  async allSettled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling.values());
  }

  /** Who runs it, or why it is refused. */
  #place(request: AgentRequest): Placed | Refusal {
    const { clis, maxConcurrency, policy } = this.#options;
    if (this.#intake === "draining") return { code: "busy", message: "This agent is shutting down." };
    // A superseded attempt makes room before this one starts.
    const others = this.activeCount - (this.#settling.has(request.requestId) ? 1 : 0);
    if (others >= maxConcurrency) {
      return { code: "busy", message: `This agent already runs ${maxConcurrency} requests.` };
    }
    const placed = clis.place(request.model);
    if ("code" in placed || policy === undefined) return placed;
    const admission = policy.admit(request);
    return "code" in admission ? admission : { ...placed, admission };
  }

  #start(job: Job, placed: Placed): void {
    const before = this.#settling.get(job.id) ?? Promise.resolve();
    const run = job.run(placed, before, placed.admission).finally(() => {
      if (this.#settling.get(job.id) === run) this.#settling.delete(job.id);
      this.#options.onChange(undefined);
    });
    this.#settling.set(job.id, run);
  }

  #onJobChange(job: Job): void {
    if (!job.isActive && this.#jobs.get(job.id) === job) this.#keepForAWhile(job);
    this.#options.onChange(job);
  }

  #keepForAWhile(job: Job): void {
    const timer = setTimeout(() => {
      this.#options.logger.warn("gave up reporting the end of a request", { requestId: job.id });
      this.#remove(job);
    }, this.#resumeGraceMs + KEEP_ENDED_EXTRA_MS);
    this.#expiries.set(job, timer.unref());
  }

  /** The proxy is done with this attempt and never means to ask for it again. */
  #remember(job: Job): void {
    this.#settledAttempts.set(job.id, job.request.attempt);
    for (const [oldest] of this.#settledAttempts) {
      if (this.#settledAttempts.size <= MAX_SETTLED) break;
      this.#settledAttempts.delete(oldest);
    }
  }

  #forget(job: Job, why: string): void {
    if (job.isActive) {
      this.#options.logger.info("ended a request", { requestId: job.id, why });
      job.abort(new JobAbort({ code: "cancelled", message: why, status: 499, retryable: false }));
    }
    this.#remove(job);
  }

  #remove(job: Job): void {
    clearTimeout(this.#expiries.get(job));
    this.#expiries.delete(job);
    this.#options.removeOutbox(job.outbox);
    job.outbox.discard();
    if (this.#jobs.get(job.id) === job) this.#jobs.delete(job.id);
    this.#options.onChange(undefined);
  }
}
