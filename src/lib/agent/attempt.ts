import { createHash } from "node:crypto";
import type { ChatDelta } from "../openai/delta.ts";
import type { CallTimeouts } from "../providers/types.ts";
import type { CancelReason } from "./abort.ts";
import { agentTimeout, failureOfError, failureOfReject, protocolFailure, type AgentFailure } from "./agent-failure.ts";
import { judgeMessage, type CommitStatus } from "./commit.ts";
import { deltaOverhead } from "./delta-overhead.ts";
import { ProgressTimer } from "./progress-timer.ts";
import {
  deltaDigestText,
  type AgentChunk,
  type AgentComplete,
  type AgentError,
  type SequencedMessage,
} from "./types.ts";

/** How long an agent's slot stays taken while its confirmation of a cancel is awaited. */
const CANCEL_CONFIRM_MS = 10_000;

/** The request that an attempt works for. */
export interface AttemptOwner {
  /** Whether deltas that take so many bytes of memory may be committed now. */
  hasRoom(bytes: number): boolean;
  deltas(opened: AgentChunk["opened"], deltas: readonly ChatDelta[], bytes: number): void;
  completed(message: AgentComplete): void;
  failed(failure: AgentFailure): void;
}

export interface AttemptOptions {
  /** The id on the wire. */
  readonly requestId: string;
  /** Counts from 1 over the agents that were tried. */
  readonly number: number;
  readonly model: string;
  readonly stream: boolean;
  readonly timeouts: Pick<CallTimeouts, "firstOutputMs" | "idleMs">;
  readonly owner: AttemptOwner;
  /** The `data:` of its `request` event, made anew for a resend; undefined once output has come or the request has ended. */
  readonly payload: () => string | undefined;
  /** The body for `inputUrl`, as JSON; undefined likewise. */
  readonly input: () => Buffer | undefined;
  readonly now: () => number;
}

/** What an attempt tells the agent's session that it runs on. */
export interface AttemptHost {
  sendCancel(requestId: string, reason: CancelReason): void;
  /** The agent has reported an error; for the log. */
  reported(attempt: Attempt, message: AgentError): void;
  ended(attempt: Attempt): void;
}

type AttemptState =
  | { readonly phase: "dispatched" | "accepted" | "streaming" | "ended" }
  | { readonly phase: "cancelling"; readonly reason: CancelReason; readonly timer: NodeJS.Timeout };

/** One request on one agent: takes its messages in sequence, keeps its clocks, and ends it once. */
export class Attempt {
  readonly requestId: string;
  readonly number: number;
  readonly model: string;
  readonly startedAt: number;
  readonly #options: AttemptOptions;
  readonly #host: AttemptHost;
  readonly #timer: ProgressTimer;
  readonly #digest = createHash("sha256");
  #state: AttemptState = { phase: "dispatched" };
  #ackedSeq = 0;
  #deltaCount = 0;

  constructor(options: AttemptOptions, host: AttemptHost) {
    this.requestId = options.requestId;
    this.number = options.number;
    this.model = options.model;
    this.startedAt = options.now();
    this.#options = options;
    this.#host = host;
    const { firstOutputMs } = options.timeouts;
    this.#timer = new ProgressTimer(firstOutputMs, () => this.#timedOut());
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  get deltaCount(): number {
    return this.#deltaCount;
  }

  /** The reason while the agent's confirmation of a cancel is awaited. */
  get cancelling(): CancelReason | undefined {
    return this.#state.phase === "cancelling" ? this.#state.reason : undefined;
  }

  get isEnded(): boolean {
    return this.#state.phase === "ended";
  }

  payload(): string | undefined {
    return this.#options.payload();
  }

  input(): Buffer | undefined {
    return this.#options.input();
  }

  /** Takes one message, or says why not. Never throws for what an agent sends. */
  receive(message: SequencedMessage): CommitStatus {
    if (this.#state.phase === "cancelling") return this.#absorb(message);
    const status = judgeMessage({ phase: this.isEnded ? "ended" : "open", ackedSeq: this.#ackedSeq }, message.seq);
    if (status !== "committed") return status;
    if (message.type === "chunk") return this.#chunk(message);
    this.#ackedSeq = message.seq;
    if (message.type === "accept") this.#accept(message.attempt);
    else if (message.type === "reject") this.#rejected(message);
    else if (message.type === "complete") this.#complete(message);
    else {
      this.fail(failureOfError(message));
      this.#host.reported(this, message);
    }
    return "committed";
  }

  /** Tells the agent to stop. The slot stays taken until the agent says that it has, or for ten seconds. */
  cancel(reason: CancelReason): void {
    if (this.#state.phase === "ended" || this.#state.phase === "cancelling") return;
    this.#timer.stop();
    const timer = setTimeout(() => this.#end(), CANCEL_CONFIRM_MS);
    timer.unref();
    this.#state = { phase: "cancelling", reason, timer };
    this.#host.sendCancel(this.requestId, reason);
  }

  /** Ends it without the agent's word, and tells the owner why unless it had been cancelled. */
  fail(failure: AgentFailure): void {
    if (this.isEnded) return;
    const wanted = this.#state.phase !== "cancelling";
    this.#end(() => wanted && this.#options.owner.failed(failure));
  }

  /** The client reads slowly (or again): silence of an agent that is held back is not its fault. */
  setPaused(paused: boolean): void {
    if (this.#state.phase === "streaming") this.#timer.setPaused(paused);
  }

  #absorb(message: SequencedMessage): CommitStatus {
    if (message.seq <= this.#ackedSeq) return "duplicate";
    // What came before the end does not matter any more, so that no gap is asked to be filled.
    this.#ackedSeq = message.seq;
    if (message.type !== "chunk" && message.type !== "accept") this.#end();
    return "committed";
  }

  #accept(attempt: number): void {
    if (attempt !== this.number) {
      this.#broken(`it accepted attempt ${attempt} where ${this.number} was asked`);
    } else if (this.#state.phase === "dispatched") {
      this.#state = { phase: "accepted" };
    }
  }

  #rejected(message: Extract<SequencedMessage, { type: "reject" }>): void {
    this.fail(
      this.#state.phase === "streaming"
        ? protocolFailure("it rejected a request after output")
        : failureOfReject(message),
    );
  }

  #chunk(message: AgentChunk): CommitStatus {
    let text = "";
    let overhead = 0;
    const deltas: ChatDelta[] = [];
    for (const delta of message.deltas) {
      const part = deltaDigestText(delta);
      // What carries nothing is counted, but need not be kept for a slow client.
      if (part === "") continue;
      text += part;
      overhead += deltaOverhead(delta);
      deltas.push(delta);
    }
    const bytes = Buffer.byteLength(text) + overhead;
    if (!this.#options.owner.hasRoom(bytes)) return "held";
    this.#ackedSeq = message.seq;
    this.#digest.update(text);
    this.#deltaCount += message.deltas.length;
    this.#state = { phase: "streaming" };
    this.#timer.restart(this.#options.timeouts.idleMs);
    this.#options.owner.deltas(message.opened, deltas, bytes);
    return "committed";
  }

  #complete(message: AgentComplete): void {
    const matches = message.deltaCount === this.#deltaCount && message.deltaSha256 === this.#digest.digest("hex");
    if (!matches) {
      this.fail(protocolFailure("what arrived is not what it says it sent"));
      return;
    }
    this.#end(() => this.#options.owner.completed(message));
  }

  #broken(reason: string): void {
    this.cancel("protocol_error");
    this.#options.owner.failed(protocolFailure(reason));
  }

  #timedOut(): void {
    const { firstOutputMs, idleMs } = this.#options.timeouts;
    const reason =
      this.#state.phase === "streaming"
        ? `The agent sent nothing more for ${idleMs} ms.`
        : `The agent sent no output within ${firstOutputMs} ms.`;
    this.cancel("timeout");
    this.#options.owner.failed(agentTimeout(reason));
  }

  /** The owner is told before the host: what becomes of the free slot is the business of other requests. */
  #end(tellOwner: () => void = () => undefined): void {
    if (this.isEnded) return;
    if (this.#state.phase === "cancelling") clearTimeout(this.#state.timer);
    this.#timer.stop();
    this.#state = { phase: "ended" };
    try {
      tellOwner();
    } finally {
      this.#host.ended(this);
    }
  }
}
