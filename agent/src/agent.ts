/** The agent: a connection, a post loop and a job runner, joined by plain calls. */
import { PROTOCOL_LIMITS, type ConnectedEvent, type HelloMessage } from "../../src/lib/agent/types.ts";
import type { CliName } from "../../src/lib/cli/model-names.ts";
import type { CliExecutor, CliReadiness } from "../../src/lib/cli/types.ts";
import { CliSet } from "./cli-set.ts";
import { Connection, type ConnectionState, type ServerEvent } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import type { ProxyClient } from "./http-client.ts";
import type { Job } from "./job.ts";
import type { JobOptions } from "./job.ts";
import { JobLog, type JobTotals } from "./job-log.ts";
import { JobRunner } from "./job-runner.ts";
import { printable, type AgentLogger } from "./logger.ts";
import type { OutboxBounds } from "./outbox.ts";
import type { AgentPolicy } from "./policy/agent-policy.ts";
import { PostLoop, type PostLimits } from "./post-loop.ts";
import type { Spool } from "./spool/spool.ts";
import type { Random, Sleep } from "./timing.ts";
import { AGENT_VERSION } from "./version.ts";
import { watchForWake } from "./wake-watch.ts";

export interface AgentOptions {
  readonly client: ProxyClient;
  /** The CLIs to serve. */
  readonly executors: readonly CliExecutor[];
  /** Those whose absence is a fault by itself; that of others is one only where none is installed. Default: all. */
  readonly requiredClis?: readonly CliName[];
  readonly logger: AgentLogger;
  readonly maxConcurrency: number;
  /** The owner's rules; {@link CodewiseAgent.policyChanged} is to be called when they open or close. Default: none. */
  readonly policy?: Pick<AgentPolicy, "admit" | "allowed" | "closure" | "offers">;
  /** Asks the owner before each request. Default: none is asked. */
  readonly ask?: JobOptions["ask"];
  /** How long running requests may take to finish when the agent drains, in milliseconds. */
  readonly drainTimeoutMs: number;
  readonly sleep: Sleep;
  readonly random: Random;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Keeps what is not acknowledged on disk; `client` names its instance. */
  readonly spool?: Spool | undefined;
  /** Called when what {@link CodewiseAgent.view} shows may have changed; often. */
  readonly onChange?: () => void;
}

export interface AgentView {
  readonly connection: ConnectionState;
  readonly lifecycle: Lifecycle;
  readonly clis: readonly CliReadiness[];
  /** What is offered now. */
  readonly models: readonly string[];
  readonly jobs: readonly Job[];
  readonly totals: JobTotals;
}

export type Lifecycle = "running" | "draining" | "stopped";

export interface AgentEnd {
  readonly exitCode: number;
  /** For the owner, where something is to be mended. */
  readonly message?: string;
}

/** Time for the CLI's own end after it was told to stop: SIGTERM, its grace, SIGKILL. */
const KILL_WAIT_MS = 8000;
const FLUSH_WAIT_MS = 5000;
const GOODBYE_WAIT_MS = 2000;
const CLI_FAULTS = new Set(["cli_missing", "cli_not_logged_in", "upstream_unauthorized"]);

/** Serves the CLIs of this machine to one proxy until drained. */
export class CodewiseAgent {
  readonly #options: AgentOptions;
  readonly #connection: Connection;
  readonly #posts: PostLoop;
  readonly #runner: JobRunner;
  readonly #clis: CliSet;
  readonly #jobLog: JobLog;
  /** The first look at the CLIs; undefined once it is done. */
  #probing: Promise<void> | undefined;
  #isClosureTold = false;
  readonly #disconnect = new AbortController();
  readonly #closing = new AbortController();
  #connectionState: ConnectionState = { kind: "connecting" };
  #lifecycle: Lifecycle = "running";
  #limits: PostLimits = PROTOCOL_LIMITS;
  #resumeGraceMs = 0;
  #graceTimer: NodeJS.Timeout | undefined;
  #sessionId: string | undefined;
  /** The session whose proxy is going down: it is left as soon as nothing runs here. */
  #sessionToLeave: string | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { client, logger, sleep, random, now } = options;
    this.#jobLog = new JobLog(logger, now);
    this.#posts = new PostLoop({
      client,
      logger,
      sleep,
      random,
      onCancel: (cancel) => this.#runner.handleCancel(cancel),
      onSettled: (outbox) => this.#runner.settle(outbox),
      onRefused: (outbox, status) => this.#runner.handleRefused(outbox, status),
    });
    this.#clis = new CliSet({
      executors: options.executors,
      required: options.requiredClis ?? options.executors.map(({ name }) => name),
      logger,
      sleep,
      onChange: () => this.#sayHello(),
    });
    this.#runner = new JobRunner({
      clis: this.#clis,
      input: { client, sleep, random },
      logger,
      maxConcurrency: options.maxConcurrency,
      policy: options.policy,
      ask: options.ask,
      now,
      addOutbox: (outbox) => this.#posts.add(outbox),
      removeOutbox: (outbox) => this.#posts.remove(outbox),
      onMore: () => this.#posts.wake(),
      onChange: (job) => this.#onJobChange(job),
      outboxBounds: () => outboxBounds(this.#limits),
      openStore: (requestId, attempt) => options.spool?.begin(requestId, attempt),
    });
    this.#runner.recover(options.spool?.recovered ?? []);
    this.#connection = new Connection({
      client,
      logger,
      sleep,
      random,
      now,
      onEvent: (event) => this.#onEvent(event),
      onState: (state) => this.#onConnectionState(state),
    });
  }

  /** A snapshot for the display. */
  view(): AgentView {
    const [connection, lifecycle] = [this.#connectionState, this.#lifecycle];
    const { readiness: clis } = this.#clis;
    return { connection, lifecycle, clis, models: this.#offers, jobs: this.#runner.jobs, totals: this.#jobLog.totals };
  }

  /** The CLIs' processes, to be ended by whoever must. */
  get processes(): Pick<CliSet, "running" | "killAll"> {
    return this.#clis;
  }

  /** Serves until {@link drain} has finished or the proxy's refusal is final. No process is left behind. */
  async run(): Promise<AgentEnd> {
    const closing = this.#closing.signal;
    // Beside the connecting, for which it need not be waited: only the hello tells what it found.
    this.#probing = this.#clis.check(AbortSignal.any([closing, this.#disconnect.signal])).then(() => {
      this.#probing = undefined;
      this.#warnOfEmptyOffer();
      const isClosed = this.#lifecycle === "running" && this.#options.policy?.closure !== undefined;
      // Told of already where it has changed since the start.
      if (isClosed && !this.#isClosureTold) this.#tellClosure();
    });
    const loops = [this.#posts.run(closing), this.#probing.then(() => this.#clis.run(closing))];
    const stopWatching = watchForWake(() => this.#onWake());
    const end = await this.#connection.run(this.#disconnect.signal);
    stopWatching();
    this.#lifecycle = "stopped";
    clearTimeout(this.#graceTimer);
    this.#runner.leave();
    // First, so that a probe that is cut by it passes for none.
    this.#closing.abort();
    await this.#clis.killAll();
    await Promise.all([...loops, this.#runner.allSettled()]);
    await this.#options.client.close();
    this.#options.spool?.close();
    return end.kind === "fatal" ? { exitCode: end.exitCode, message: end.message } : { exitCode: EXIT.ok };
  }

  /** Refuses new work, lets what runs finish within the drain timeout, says goodbye, and makes {@link run} return. */
  drain(reason: string): void {
    if (this.#lifecycle !== "running") return;
    this.#lifecycle = "draining";
    this.#options.logger.info("draining", { reason, running: this.#runner.activeCount });
    this.#runner.closeIntake();
    this.#options.onChange?.();
    void this.#finish(reason);
  }

  /** The owner's rules let in more or less than before: tells the proxy, so that requests go elsewhere, or come again. */
  policyChanged(): void {
    this.#options.onChange?.();
    // Whoever leaves takes nothing either way.
    if (this.#lifecycle !== "running") return;
    this.#tellClosure();
    this.#sayHello();
    if (this.#isConnected) this.#posts.control(this.#heartbeat());
  }

  #tellClosure(): void {
    this.#isClosureTold = true;
    const closure = this.#options.policy?.closure;
    if (closure === undefined) this.#options.logger.info("takes requests again");
    else this.#options.logger.info("takes no requests", { reason: closure.reason, until: isoTime(closure.until) });
  }

  async #finish(reason: string): Promise<void> {
    if (this.#isConnected) this.#posts.control({ type: "heartbeat", draining: true });
    await this.#within(this.#options.drainTimeoutMs, this.#runner.allSettled());
    if (this.#runner.activeCount > 0) {
      this.#options.logger.warn("ending what still runs", { running: this.#runner.activeCount });
      this.#runner.stopAll();
      await this.#within(KILL_WAIT_MS, this.#runner.allSettled());
    }
    if (this.#isConnected || this.#runner.jobs.length > 0) {
      await this.#posts.flushed(AbortSignal.timeout(FLUSH_WAIT_MS));
    }
    // With a goodbye the proxy would give up at once what the next process may still tell it.
    const mayContinue = this.#options.spool !== undefined && this.#runner.jobs.length > 0;
    if (this.#isConnected && !mayContinue) {
      this.#posts.control({ type: "goodbye", reason });
      await this.#posts.flushed(AbortSignal.timeout(GOODBYE_WAIT_MS));
    }
    this.#disconnect.abort();
  }

  /** Resolves with `work`, or after `ms`. */
  async #within(ms: number, work: Promise<void>): Promise<void> {
    const done = new AbortController();
    await Promise.race([work, this.#options.sleep(ms, done.signal)]);
    done.abort();
  }

  get #isConnected(): boolean {
    return this.#connectionState.kind === "connected";
  }

  #onEvent(event: ServerEvent): void {
    switch (event.name) {
      case "connected":
        this.#onConnected(event.data);
        break;
      case "request":
        this.#runner.handleRequest(event.data);
        break;
      case "cancel":
        this.#runner.handleCancel(event.data);
        break;
      case "ping":
        this.#posts.control({ ...this.#heartbeat(), pingNow: event.data.now });
        break;
      case "drain":
        this.#onServerDrain(event.data.reason, event.data.reconnectAfterMs);
        break;
    }
  }

  #onConnected(connected: ConnectedEvent): void {
    clearTimeout(this.#graceTimer);
    this.#sessionId = connected.sessionId;
    this.#limits = connected.limits;
    this.#resumeGraceMs = connected.resumeGraceMs;
    this.#runner.handleResume(connected);
    if (this.#probing === undefined) this.#beginSession(connected);
    else void this.#probing.then(() => this.#beginSession(connected));
  }

  #beginSession({ sessionId, limits }: ConnectedEvent): void {
    if (this.#sessionId !== sessionId || !this.#isConnected) return;
    this.#posts.beginSession(this.#hello(), limits);
    // The proxy knows what was said before the connection was lost, which may be out of date either way.
    if (this.#lifecycle === "draining" || this.#options.policy !== undefined) this.#posts.control(this.#heartbeat());
  }

  #onWake(): void {
    this.#options.logger.info("the machine has slept, or its clock was set: connecting anew");
    this.#connection.refresh();
  }

  #onConnectionState(state: ConnectionState): void {
    const wasConnected = this.#isConnected;
    this.#connectionState = state;
    const { logger } = this.#options;
    if (state.kind === "connected") logger.info("connected", { session: printable(state.sessionId) });
    if (state.kind === "waiting") {
      const log = this.#lifecycle === "draining" ? logger.debug : logger.warn;
      log("not connected", { reason: state.reason, retryInMs: Math.round(state.delayMs) });
    }
    if (wasConnected && state.kind !== "connected") {
      this.#posts.endSession();
      this.#graceTimer = setTimeout(
        () => this.#runner.abandonAll("the connection was away for longer than the proxy waits"),
        this.#resumeGraceMs,
      );
    }
    this.#options.onChange?.();
  }

  /**
   * The proxy goes down: reconnects after a random part of the time it names, though not before what runs here is
   * through; if it closes the stream earlier, the reconnect is spread in the same way.
   */
  #onServerDrain(reason: string, reconnectAfterMs: number): void {
    this.#options.logger.info("the proxy drains", { reason: printable(reason), reconnectAfterMs });
    this.#connection.planReconnect(reconnectAfterMs);
    const { sleep, random } = this.#options;
    const sessionId = this.#sessionId;
    void sleep(random() * reconnectAfterMs, this.#closing.signal).then(() => {
      this.#sessionToLeave = sessionId;
      this.#reconnectWhenIdle();
    });
  }

  #reconnectWhenIdle(): void {
    const isLeaving = this.#sessionToLeave !== undefined && this.#sessionToLeave === this.#sessionId;
    if (!isLeaving || !this.#isConnected || this.#runner.jobs.length > 0) return;
    this.#sessionToLeave = undefined;
    this.#connection.reconnect(0);
  }

  #onJobChange(job: Job | undefined): void {
    if (job !== undefined) this.#noteJob(job);
    this.#reconnectWhenIdle();
    this.#options.onChange?.();
  }

  #noteJob(job: Job): void {
    this.#jobLog.note(job);
    if (job.state.kind !== "ended" || job.state.outcome === "rejected") return;
    const { code } = job.state;
    if (code !== undefined && CLI_FAULTS.has(code)) this.#clis.recheck(job.request.model);
  }

  /** A pattern that matches nothing would else be seen only at the proxy, by the want of an agent. */
  #warnOfEmptyOffer(): void {
    const { policy, logger } = this.#options;
    const { models } = this.#clis;
    if (models.length === 0 || policy === undefined || policy.allowed(models).length > 0) return;
    logger.warn("offers no model: the allowed ones leave nothing of what the CLIs have", { models: models.join(", ") });
  }

  /** Tells the proxy anew what this agent offers. */
  #sayHello(): void {
    if (this.#isConnected && this.#probing === undefined) this.#posts.control(this.#hello());
  }

  /** Whoever takes nothing now is shown as draining, and offers nothing: the one is for people, the other for requests. */
  #heartbeat(): { readonly type: "heartbeat"; readonly draining: boolean } {
    const draining = this.#lifecycle !== "running" || this.#options.policy?.closure !== undefined;
    return { type: "heartbeat", draining };
  }

  get #offers(): readonly string[] {
    return this.#options.policy?.offers(this.#clis.models) ?? this.#clis.models;
  }

  #hello(): HelloMessage & { type: "hello" } {
    const { maxConcurrency } = this.#options;
    return {
      type: "hello",
      ...(this.#sessionId !== undefined && { sessionId: this.#sessionId }),
      version: AGENT_VERSION,
      platform: `${process.platform}-${process.arch}`,
      clis: this.#clis.readiness.map((readiness) => ({ ...readiness })),
      models: [...this.#offers],
      maxConcurrency,
      inFlight: this.#runner.inFlight,
    };
  }
}

function isoTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** Chunks small enough for the proxy's bound, even if every character needs JSON's longest escape (6 bytes). */
function outboxBounds(limits: PostLimits): Partial<OutboxBounds> {
  const fitting = Math.floor((limits.maxPostBytes - 8192) / 6);
  return { maxChunkText: Math.max(256, Math.min(PROTOCOL_LIMITS.maxChunkText, fitting)) };
}
