import cluster, { type Worker } from "node:cluster";
import type { Logger } from "../telemetry/logger.ts";
import { openDesk, type Desk, type DeskParts } from "./desk.ts";
import { fromWorkerSchema, type FromHome, type FromWorker, type HomeOffer } from "./messages.ts";
import { createRestartPlan, type RestartPlan } from "./restart-plan.ts";

export interface WorkerPoolOptions {
  /** File that a worker runs. */
  readonly entry: string;
  readonly count: number;
  readonly host: string;
  /** Never 0: a worker that is started again must find the same port. */
  readonly port: number;
  /** Where workers reach the home. */
  readonly socketPath: string;
  readonly logger: Logger;
  /** Workers die as soon as they start; the pool has given up. */
  readonly onCrashLoop: () => void;
}

/** What workers are told once the home stands. */
export interface PoolService {
  readonly parts: DeskParts;
  readonly loopId: string;
  readonly offers: () => readonly HomeOffer[];
}

interface Member {
  readonly slot: number;
  readonly worker: Worker;
  readonly startedAt: number;
  desk: Desk | undefined;
  isListening: boolean;
  isDrained: boolean;
  active: number;
}

/** Why a worker could not open the port: the system's code, such as `EADDRINUSE`, and its words. */
export class WorkerStartError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Starts the workers, keeps them running, and carries what they and the home say to each other. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Map<number, Member>();
  readonly #plans: readonly RestartPlan[];
  readonly #firstListening = Promise.withResolvers<void>();
  #service: PoolService | undefined;
  #life: "running" | "draining" | "closing" = "running";
  #onEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#plans = Array.from({ length: options.count }, createRestartPlan);
  }

  /** Starts all. Resolves when the port is open; rejects with {@link WorkerStartError} when it cannot be opened. */
  async start(): Promise<void> {
    cluster.setupPrimary({ exec: this.#options.entry, args: [] });
    for (let slot = 0; slot < this.#options.count; slot += 1) this.#fork(slot);
    await this.#firstListening.promise;
  }

  /** The home stands: workers may serve. */
  serve(service: PoolService): void {
    this.#service = service;
    for (const member of this.#members.values()) this.#introduce(member);
  }

  /** Tells all workers something. */
  broadcast(message: FromHome): void {
    for (const { worker } of this.#members.values()) send(worker, message);
  }

  /** Model calls that workers serve, as far as they have told; while draining, at least 1 for each that is not through. */
  activeCalls(): number {
    let active = 0;
    for (const member of this.#members.values()) {
      if (this.#life === "running") active += member.active;
      else if (!member.isDrained) active += Math.max(1, member.active);
    }
    return active;
  }

  /** New calls are refused; a worker that dies is not replaced any more. */
  drain(): void {
    if (this.#life !== "running") return;
    this.#life = "draining";
    this.broadcast({ codewise: "drain" });
  }

  /** Tells workers to close the port and to exit when what they serve has ended; calls back when all are gone. */
  close(onClosed: () => void): void {
    this.#life = "closing";
    this.#onEmpty = onClosed;
    if (this.#members.size === 0) onClosed();
    this.broadcast({ codewise: "close" });
  }

  /** Ends at once those that are left. */
  kill(): void {
    for (const { worker } of this.#members.values()) worker.process.kill("SIGKILL");
  }

  #fork(slot: number): void {
    const { host, port, socketPath } = this.#options;
    const worker = cluster.fork();
    const member: Member = {
      slot,
      worker,
      startedAt: performance.now(),
      desk: undefined,
      isListening: false,
      isDrained: false,
      active: 0,
    };
    this.#members.set(worker.id, member);
    worker.on("message", (raw: unknown) => {
      const message = fromWorkerSchema.safeParse(raw);
      if (message.success) this.#take(member, message.data);
    });
    worker.once("listening", () => {
      member.isListening = true;
      this.#firstListening.resolve();
    });
    worker.once("exit", (code: number | null, signal: string | null) => this.#exited(member, code, signal));
    worker.on("error", () => undefined);
    send(worker, { codewise: "listen", slot, host, port, socketPath });
    this.#introduce(member);
  }

  /** Tells a worker what the home is, once both stand. */
  #introduce(member: Member): void {
    const service = this.#service;
    if (service === undefined || member.desk !== undefined) return;
    const { id } = member.worker;
    member.desk = openDesk({
      workerId: id,
      parts: service.parts,
      send: (message) => send(member.worker, message),
    });
    send(member.worker, { codewise: "serve", loopId: service.loopId, offers: [...service.offers()] });
  }

  #take(member: Member, message: FromWorker): void {
    switch (message.codewise) {
      case "unable":
        this.#firstListening.reject(new WorkerStartError(message.code, message.message));
        break;
      case "drained":
        member.isDrained = true;
        break;
      case "state":
        member.active = message.active;
        member.desk?.take(message);
        break;
      default:
        member.desk?.take(message);
    }
  }

  #exited(member: Member, code: number | null, signal: string | null): void {
    const { slot, worker, startedAt } = member;
    this.#members.delete(worker.id);
    member.desk?.close();
    if (this.#life !== "running") {
      if (this.#members.size === 0) this.#onEmpty?.();
      return;
    }
    const { logger } = this.#options;
    const livedMs = Math.round(performance.now() - startedAt);
    const delayMs = this.#plans[slot]?.afterDeath(livedMs);
    logger.error({ worker: slot, pid: worker.process.pid, code, signal, livedMs, delayMs }, "a worker has died");
    if (delayMs !== undefined) {
      setTimeout(() => {
        if (this.#life === "running") this.#fork(slot);
      }, delayMs);
      return;
    }
    this.#firstListening.reject(new WorkerStartError("CRASH_LOOP", "the worker processes end as soon as they start"));
    this.#options.onCrashLoop();
  }
}

function send(worker: Worker, message: FromHome): void {
  // One that is gone takes nothing; its exit is told on its own.
  if (worker.isConnected()) worker.process.send?.(message, undefined, undefined, () => undefined);
}
