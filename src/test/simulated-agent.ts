import type { AgentConnectionHandle, AgentManager } from "../lib/agent/manager.ts";
import type { AgentRequest, SequencedMessage, ServerEventName } from "../lib/agent/types.ts";
import { FakeRun } from "./fake-agent-run.ts";
import type { SeededRandom } from "./seeded-random.ts";

interface Job {
  readonly messages: readonly SequencedMessage[];
  ackedSeq: number;
}

/** An agent in memory that keeps to the protocol over a network that loses, repeats and reorders what it sends. */
export class SimulatedAgent {
  /** The text of every job it was ever given, and whether the job ends well. */
  readonly answers: { readonly text: string; readonly isWhole: boolean }[] = [];
  readonly #manager: AgentManager;
  readonly #agentId: string;
  readonly #random: SeededRandom;
  readonly #jobs = new Map<string, Job>();
  #instance = 0;
  #connection: AgentConnectionHandle | undefined;
  #isCut = true;

  constructor(manager: AgentManager, agentId: string, random: SeededRandom) {
    this.#manager = manager;
    this.#agentId = agentId;
    this.#random = random;
  }

  /** One step of a troubled life. */
  step(): void {
    const dice = this.#random.next();
    if (this.#isCut) {
      if (dice < 0.6) this.#connect();
      else if (dice < 0.7) this.#kill();
    } else if (dice < 0.06) this.#cut();
    else if (dice < 0.08) this.#kill();
    else this.#post();
  }

  /** Connects if need be and says all it still has to say, over a network without faults. */
  settle(): void {
    if (this.#isCut) this.#connect();
    for (const job of this.#jobs.values()) this.#send(job.messages.slice(job.ackedSeq), true);
  }

  get #identity() {
    const instance = `${this.#agentId}-${this.#instance}`;
    return { agentId: this.#agentId, instance, access: { enrolment: undefined } };
  }

  #connect(): void {
    let isCurrent = true;
    this.#connection = this.#manager.registerAgent({
      ...this.#identity,
      version: "1.0.0",
      protocol: 1,
      openStream: () => ({
        bufferedBytes: 0,
        send: (event, data) => {
          if (isCurrent) this.#onEvent(event, JSON.parse(data));
        },
        close: () => {
          isCurrent = false;
        },
        destroy: () => {
          isCurrent = false;
        },
      }),
    });
    this.#isCut = false;
    const inFlight = [...this.#jobs].map(([requestId, { messages, ackedSeq }]) => ({
      requestId,
      lastSeq: messages.length,
      ackedSeq,
    }));
    this.#manager.handleResponse(this.#identity, [
      { type: "hello", version: "1.0.0", platform: "x", clis: [], models: ["sonnet"], maxConcurrency: 2, inFlight },
    ]);
  }

  #cut(): void {
    this.#isCut = true;
    this.#connection?.closed();
  }

  #kill(): void {
    this.#cut();
    this.#instance += 1;
    this.#jobs.clear();
  }

  #onEvent(name: ServerEventName, data: unknown): void {
    // An event that was under way when the network failed is lost.
    if (this.#isCut && name !== "connected") return;
    if (name === "connected") {
      const { resume } = data as { resume: { requestId: string; drop?: boolean }[] };
      const kept = new Set(resume.filter(({ drop }) => drop !== true).map(({ requestId }) => requestId));
      for (const requestId of this.#jobs.keys()) if (!kept.has(requestId)) this.#jobs.delete(requestId);
    } else if (name === "request") {
      const request = data as AgentRequest;
      if (!this.#jobs.has(request.requestId) && this.#random.chance(0.95)) this.#begin(request);
    } else if (name === "cancel") {
      this.#jobs.delete((data as { requestId: string }).requestId);
    }
  }

  #begin(request: AgentRequest): void {
    const run = new FakeRun(request);
    if (this.#random.chance(0.1)) {
      this.#jobs.set(request.requestId, { messages: [run.reject("busy")], ackedSeq: 0 });
      return;
    }
    const messages: SequencedMessage[] = [run.accept()];
    const pieces = Array.from({ length: this.#random.below(12) }, (_, piece) => {
      return `<${this.#agentId}.${this.#instance}.${request.requestId}.${request.attempt}.${piece}>`;
    });
    for (const piece of pieces) messages.push(run.text(piece, "ü".repeat(this.#random.below(400))));
    const isWhole = this.#random.chance(0.9);
    const contents = messages.flatMap((message) => (message.type === "chunk" ? message.deltas : []));
    this.answers.push({ text: contents.map(({ content }) => content).join(""), isWhole });
    messages.push(isWhole ? run.complete() : run.error());
    this.#jobs.set(request.requestId, { messages, ackedSeq: 0 });
  }

  #post(): void {
    const batch: SequencedMessage[] = [];
    for (const { messages, ackedSeq } of this.#jobs.values()) {
      const from = Math.max(0, ackedSeq - this.#random.below(3) + this.#random.below(2));
      batch.push(...messages.slice(from, from + 1 + this.#random.below(4)));
    }
    if (this.#random.chance(0.15)) batch.sort(() => this.#random.next() - 0.5);
    if (batch.length > 0) this.#send(batch, this.#random.chance(0.85));
  }

  #send(batch: readonly SequencedMessage[], isAnswerHeard: boolean): void {
    const { results, cancels } = this.#manager.handleResponse(this.#identity, batch);
    if (!isAnswerHeard) return;
    for (const { requestId, status, ackedSeq } of results) {
      const job = this.#jobs.get(requestId);
      if (job === undefined) continue;
      job.ackedSeq = ackedSeq;
      const isOver = status === "closed" || status === "unknown" || ackedSeq === job.messages.length;
      if (isOver) this.#jobs.delete(requestId);
    }
    for (const { requestId } of cancels) this.#jobs.delete(requestId);
  }
}
