/** One request on this machine, from its arrival to the acknowledgement of its end. */
import type { AgentRequest } from "../../src/lib/agent/types.ts";
import type { CliSink } from "../../src/lib/cli/types.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import type { PlacedModel } from "./cli-set.ts";
import { errorBody, isRefusal } from "./job-failure.ts";
import { printable, type AgentLogger } from "./logger.ts";
import type { Admission, PolicyRefusal } from "./policy/agent-policy.ts";
import { spentTokens, spentTokensSoFar } from "./policy/spent-tokens.ts";
import type { SpentTokens } from "./policy/usage-ledger.ts";
import type { ErrorBody, Outbox } from "./outbox.ts";
import { readRequestInput, type InputSource } from "./request-input.ts";

/** `ended` means that no process runs any more; what is left is to get the end acknowledged. */
export type JobState =
  | { readonly kind: "preparing" }
  /** It waits for the owner's word. */
  | { readonly kind: "asking" }
  | { readonly kind: "running"; readonly model: string }
  | {
      readonly kind: "ended";
      readonly outcome: "complete" | "error" | "rejected" | "cancelled";
      readonly code?: string;
    };

export interface JobOptions {
  readonly input: InputSource;
  readonly logger: AgentLogger;
  readonly now: () => number;
  readonly onChange: (job: Job) => void;
  /** Asks the owner, where each request is to be approved. As {@link ApprovalDesk.ask}. */
  readonly ask?:
    | ((request: AgentRequest, chat: ChatRequest, signal: AbortSignal) => Promise<PolicyRefusal | undefined>)
    | undefined;
}

/** A question takes its owner's attention, which is limited as requests are, so that nobody asks and asks again for nothing. */
const NO_TOKENS: SpentTokens = { tokens: 0, isEstimate: false };

/** Why a job was aborted: what is said to the proxy, if there is still somebody to say it to. */
export class JobAbort extends Error {
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.message);
    this.name = "JobAbort";
    this.body = body;
  }
}

/** Runs one attempt of one request. */
export class Job {
  readonly request: AgentRequest;
  readonly outbox: Outbox;
  readonly startedAt: number;
  readonly #options: JobOptions;
  readonly #abort = new AbortController();
  #state: JobState = { kind: "preparing" };
  #isOpen = false;
  #deltas = 0;
  /** What went into the CLI, for an estimate of its use. */
  #prompt: ChatRequest | undefined;
  /** What came out of it, in UTF-16 units. */
  #characters = 0;

  constructor(request: AgentRequest, outbox: Outbox, options: JobOptions) {
    this.request = request;
    this.outbox = outbox;
    this.#options = options;
    this.startedAt = options.now();
  }

  /** A request of an earlier process, whose CLI is gone: only its end is left to be told. */
  static recovered(requestId: string, attempt: number, outbox: Outbox, options: JobOptions): Job {
    const unasked = { model: "", stream: true, firstEventTimeoutMs: 1, idleTimeoutMs: 1, deadlineMs: 1 };
    const job = new Job({ requestId, attempt, ...unasked }, outbox, options);
    job.#state = { kind: "ended", outcome: outbox.hasEnd ? "complete" : "error" };
    return job;
  }

  get id(): string {
    return this.request.requestId;
  }

  get state(): JobState {
    return this.#state;
  }

  /** Steps of the answer that the CLI has given so far. */
  get deltas(): number {
    return this.#deltas;
  }

  get isActive(): boolean {
    return this.#state.kind !== "ended";
  }

  /** Ends it before any output. */
  reject(code: string, message: string): void {
    this.outbox.reject(code, message);
    this.#enter({ kind: "ended", outcome: "rejected", code });
  }

  /** Kills what runs; the error that `reason` carries is said once it is gone. Without effect on an ended job. */
  abort(reason: JobAbort): void {
    if (this.isActive) this.#abort.abort(reason);
  }

  /**
   * Runs it by the CLI that was found for it, after `before` has settled, to its end, and tells `admission` what it used.
   * Never rejects.
   */
  async run(placed: PlacedModel, before: Promise<void>, admission?: Admission): Promise<void> {
    this.outbox.accept(this.request.attempt);
    this.#options.onChange(this);
    const signal = this.#abort.signal;
    try {
      await before;
      await this.#execute(placed, signal, admission);
    } catch (error) {
      this.#account(error, admission);
      this.#fail(signal.aborted ? signal.reason : error);
    } finally {
      this.#prompt = undefined;
    }
  }

  async #execute({ executor, model }: PlacedModel, signal: AbortSignal, admission?: Admission): Promise<void> {
    const { input, now } = this.#options;
    const { request } = this;
    signal.throwIfAborted();
    const chat = await readRequestInput(request, input, signal);
    // Where the owner takes nothing any more there is nothing to ask, and what was asked may have waited past that.
    const closed = admission?.closure();
    const denied = closed === undefined ? await this.#ask(chat, signal) : undefined;
    const refusal = closed ?? denied ?? admission?.closure();
    signal.throwIfAborted();
    if (refusal !== undefined) {
      if (denied === undefined) admission?.release();
      else admission?.settle(NO_TOKENS);
      this.#options.logger.info("refused by the owner", { requestId: this.id, why: refusal.message });
      this.reject(refusal.code, refusal.message);
      return;
    }
    if (admission !== undefined) this.#prompt = chat;
    const spentMs = Math.ceil(now() - this.startedAt);
    this.#enter({ kind: "running", model: request.model });
    const outcome = await executor.execute(
      {
        requestId: request.requestId,
        request: chat,
        model,
        signal,
        firstEventTimeoutMs: request.firstEventTimeoutMs,
        idleTimeoutMs: request.idleTimeoutMs,
        deadlineMs: Math.max(1, request.deadlineMs - spentMs),
      },
      this.#sink(),
    );
    admission?.settle(spentTokens(outcome.usage, outcome.usageSource, () => this.#countCharacters()));
    signal.throwIfAborted();
    this.outbox.complete(outcome);
    this.#enter({ kind: "ended", outcome: "complete" });
  }

  async #ask(chat: ChatRequest, signal: AbortSignal): Promise<PolicyRefusal | undefined> {
    const { ask } = this.#options;
    if (ask === undefined) return undefined;
    this.#enter({ kind: "asking" });
    return await ask(this.request, chat, signal);
  }

  /** What a request that failed or was cancelled used, where it ran or its owner was asked at all. */
  #account(error: unknown, admission: Admission | undefined): void {
    const usage = error instanceof GatewayError ? error.usage : undefined;
    const isUnused = usage === undefined && !this.#isOpen && isRefusal(error);
    if (this.#state.kind === "asking") admission?.settle(NO_TOKENS);
    else if (this.#state.kind !== "running" || isUnused) admission?.release();
    else admission?.settle(spentTokensSoFar(usage, () => this.#countCharacters(), this.#characters));
  }

  #countCharacters(): number {
    return this.#characters + (this.#prompt === undefined ? 0 : JSON.stringify(this.#prompt).length);
  }

  #sink(): CliSink {
    return {
      open: (opened) => {
        this.#isOpen = true;
        this.outbox.open(opened);
      },
      delta: (delta) => {
        this.#deltas += 1;
        this.#characters += (delta.content?.length ?? 0) + (delta.reasoning_content?.length ?? 0);
        for (const call of delta.tool_calls ?? []) this.#characters += call.function?.arguments?.length ?? 0;
        return this.outbox.delta(delta);
      },
      onDrain: (listener) => this.outbox.onDrain(listener),
    };
  }

  #fail(error: unknown): void {
    if (error instanceof JobAbort) {
      this.outbox.errorNow(error.body);
      this.#enter({ kind: "ended", outcome: "cancelled", code: error.body.code });
      return;
    }
    const body = errorBody(error);
    if (body.code === "server_error") {
      this.#options.logger.error("failed in an unforeseen way", {
        requestId: this.id,
        error: printable(String(error)),
      });
    }
    this.outbox.error(body);
    this.#enter({ kind: "ended", outcome: "error", code: body.code });
  }

  #enter(state: JobState): void {
    this.#state = state;
    this.#options.onChange(this);
  }
}
