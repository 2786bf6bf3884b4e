import { fork, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Logger } from "../telemetry/logger.ts";
import { openDesk, type Desk, type DeskParts } from "./desk.ts";
import { fromWorkerSchema, type FromHome, type FromWorker, type HomeOffer, type MetricsSnapshot } from "./messages.ts";
import { createRestartPlan, type RestartPlan } from "./restart-plan.ts";

export interface WorkerPoolOptions {
  /** File that a worker runs. */
  readonly entry: string;
  readonly count: number;
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
  readonly id: number;
  readonly slot: number;
  readonly process: ChildProcess;
  readonly startedAt: number;
  desk: Desk | undefined;
  isReady: boolean;
  isDrained: boolean;
  active: number;
}

/** Connections that wait while no worker is ready; more are cut. */
const MAX_WAITING = 1024;
const METRICS_WAIT_MS = 1000;

/** Starts the workers, keeps them running, deals connections out to them, and carries what they and the home say. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Map<number, Member>();
  readonly #plans: readonly RestartPlan[];
  readonly #waiting: Socket[] = [];
  readonly #metricsCalls = new Map<number, (metrics: MetricsSnapshot) => void>();
  #ids = 0;
  #service: PoolService | undefined;
  #life: "running" | "draining" | "closing" = "running";
  #onEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#plans = Array.from({ length: options.count }, createRestartPlan);
  }

  /** Starts all, without waiting for them. */
  start(): void {
    for (let slot = 0; slot < this.#options.count; slot += 1) this.#fork(slot);
  }

  /** Gives a connection that nothing was read of to the next worker in turn; it waits while none is ready. */
  give(socket: Socket): void {
    // One that breaks here has nobody else to tell.
    socket.on("error", () => undefined);
    const member = [...this.#members.values()].find(({ isReady, process }) => isReady && process.connected);
    if (member === undefined) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
      else socket.destroy();
      return;
    }
    // To the end of the line.
    this.#members.delete(member.id);
    this.#members.set(member.id, member);
    member.process.send({ codewise: "connection" } satisfies FromHome, socket, { keepOpen: false }, (error) => {
      if (error !== null) socket.destroy();
    });
  }

  /** The home stands: workers may serve. */
  serve(service: PoolService): void {
    this.#service = service;
    for (const member of this.#members.values()) this.#introduce(member);
  }

  /** Tells all workers something. */
  broadcast(message: FromHome): void {
    for (const member of this.#members.values()) send(member, message);
  }

  /** The metrics of the workers that answer within a second. */
  async collectMetrics(): Promise<readonly MetricsSnapshot[]> {
    const serving = [...this.#members.values()].filter(({ desk, isReady }) => isReady && desk !== undefined);
    const snapshots = await Promise.all(serving.map((member) => this.#askMetrics(member)));
    return snapshots.filter((snapshot) => snapshot !== undefined);
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

  /** Tells workers to exit when what they serve has ended; calls back when all are gone. */
  close(onClosed: () => void): void {
    this.#life = "closing";
    this.#onEmpty = onClosed;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    if (this.#members.size === 0) onClosed();
    this.broadcast({ codewise: "close" });
  }

  /** Ends at once those that are left. */
  kill(): void {
    for (const member of this.#members.values()) member.process.kill("SIGKILL");
  }

  async #askMetrics(member: Member): Promise<MetricsSnapshot | undefined> {
    this.#ids += 1;
    const call = this.#ids;
    const snapshot = await new Promise<MetricsSnapshot | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), METRICS_WAIT_MS);
      this.#metricsCalls.set(call, (metrics) => {
        clearTimeout(timer);
        resolve(metrics);
      });
      send(member, { codewise: "metrics", call });
    });
    this.#metricsCalls.delete(call);
    return snapshot;
  }

  #fork(slot: number): void {
    const { entry, socketPath } = this.#options;
    this.#ids += 1;
    const member: Member = {
      id: this.#ids,
      slot,
      process: fork(entry),
      startedAt: performance.now(),
      desk: undefined,
      isReady: false,
      isDrained: false,
      active: 0,
    };
    this.#members.set(member.id, member);
    member.process.on("message", (raw: unknown) => {
      const message = fromWorkerSchema.safeParse(raw);
      if (message.success) this.#take(member, message.data);
    });
    member.process.once("exit", (code, signal) => this.#exited(member, code, signal));
    member.process.on("error", () => undefined);
    send(member, { codewise: "start", slot, socketPath });
    this.#introduce(member);
  }

  /** Tells a worker what the home is, once both stand. */
  #introduce(member: Member): void {
    const service = this.#service;
    if (service === undefined || member.desk !== undefined) return;
    member.desk = openDesk({
      workerId: member.id,
      parts: service.parts,
      send: (message) => send(member, message),
    });
    send(member, { codewise: "serve", loopId: service.loopId, offers: [...service.offers()] });
  }

  #take(member: Member, message: FromWorker): void {
    switch (message.codewise) {
      case "ready":
        member.isReady = true;
        for (const socket of this.#waiting.splice(0)) this.give(socket);
        break;
      case "metrics":
        this.#metricsCalls.get(message.call)?.(message.metrics);
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
    const { id, slot, startedAt } = member;
    this.#members.delete(id);
    member.desk?.close();
    if (this.#life !== "running") {
      if (this.#members.size === 0) this.#onEmpty?.();
      return;
    }
    const { logger } = this.#options;
    const livedMs = Math.round(performance.now() - startedAt);
    const delayMs = this.#plans[slot]?.afterDeath(livedMs);
    logger.error({ worker: slot, pid: member.process.pid, code, signal, livedMs, delayMs }, "a worker has died");
    if (delayMs !== undefined) {
      setTimeout(() => {
        if (this.#life === "running") this.#fork(slot);
      }, delayMs);
      return;
    }
    this.#options.onCrashLoop();
  }
}

function send({ process: child }: Member, message: FromHome): void {
  // One that is gone takes nothing; its exit is told on its own.
  if (child.connected) child.send(message, undefined, undefined, () => undefined);
}
