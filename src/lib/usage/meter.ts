import type { GatewayError } from "../http/errors.ts";
import type { Usage } from "../openai/usage.ts";
import type { ServedBy } from "../providers/types.ts";
import type { Seat } from "../collections/roster.ts";
import type { RequestEnd } from "../telemetry/request-end.ts";
import type { RequestTelemetry } from "../telemetry/request-telemetry.ts";
import type { RequestTiming } from "../telemetry/request-timing.ts";
import type { LiveChange, LiveRequest, LiveRequests } from "./live-requests.ts";
import type { RequestRecord } from "./record.ts";

export interface MeterOptions {
  readonly id: string;
  /** `performance.now()` at arrival. */
  readonly startedAt: number;
  /** Milliseconds since the epoch at arrival. */
  readonly createdAtMs: number;
  readonly live: LiveRequests;
  readonly record: (record: RequestRecord) => void;
  /** Whether a row is kept; a request that is shown as in flight has a key, and its row always is. */
  readonly keeps: (record: RequestRecord) => boolean;
  readonly timing: RequestTiming;
  /** Told of every attempt, and of the end whether a row is kept or not. */
  readonly telemetry?: Pick<RequestTelemetry, "attempt" | "ended"> | undefined;
  readonly sdkRetryCount?: number | undefined;
}

export interface MeterOutcome {
  readonly usage?: Usage | undefined;
  readonly usageEstimated?: boolean;
  readonly costUsd?: number | undefined;
  readonly finishReason?: string;
}

/** Gathers the facts of one request and writes its row exactly once, however it ends. */
export class RequestMeter {
  readonly #options: MeterOptions;
  #key: { readonly id: string; readonly name: string } | undefined;
  #model: string | null = null;
  #streamed = false;
  #provider: string | null = null;
  #served: ServedBy | undefined;
  #attempts = 0;
  #firstOutputAt: number | undefined;
  #settled = false;
  #seat: Seat<LiveRequest> | undefined;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  authenticated(key: { readonly id: string; readonly name: string }): void {
    this.#key = key;
  }

  /** The body is read and valid: the request shows among those in flight. */
  asked(model: string, streamed: boolean): void {
    this.#model = model;
    this.#streamed = streamed;
    this.#seat = this.#options.live.start({
      id: this.#options.id,
      createdAtMs: this.#options.createdAtMs,
      keyName: this.#key?.name ?? null,
      requestedModel: model,
      streamed,
      provider: null,
      servedModel: null,
      agentId: null,
      phase: "routing",
    });
  }

  attempt(provider: string): void {
    this.#attempts += 1;
    this.#provider = provider;
    this.#served = undefined;
    this.#options.timing.waitBegins();
    this.#options.telemetry?.attempt(provider);
    this.#update({ provider, servedModel: null, agentId: null, phase: "waiting" });
  }

  get attempts(): number {
    return this.#attempts;
  }

  served(servedBy: ServedBy): void {
    this.#served = servedBy;
    this.#update({ servedModel: servedBy.model, agentId: servedBy.agentId ?? null });
  }

  firstOutput(): void {
    if (this.#firstOutputAt !== undefined) return;
    this.#firstOutputAt = performance.now();
    this.#options.timing.answered();
    this.#update({ phase: "streaming" });
  }

  succeeded(outcome: MeterOutcome): void {
    this.#settle({ status: 200, errorCode: null, outcome, clientGone: false });
  }

  /** Another process serves the request, shows it and writes its row. */
  passedOn(): void {
    this.#settled = true;
    if (this.#seat !== undefined) this.#options.live.forget(this.#seat);
  }

  /** Also for what was used before the failure, where the error tells it. */
  failed(error: GatewayError): void {
    const clientGone = error.code === "client_closed_request";
    this.#settle({ status: error.status, errorCode: error.code, outcome: { usage: error.usage }, clientGone });
  }

  #update(change: LiveChange): void {
    if (this.#seat !== undefined) this.#options.live.update(this.#seat, change);
  }

  #settle(end: {
    readonly status: number;
    readonly errorCode: string | null;
    readonly outcome: MeterOutcome;
    readonly clientGone: boolean;
  }): void {
    if (this.#settled) return;
    this.#settled = true;
    const { id, createdAtMs, startedAt, live, record, keeps, timing, telemetry, sdkRetryCount } = this.#options;
    const usage = end.outcome.usage;
    const row: RequestRecord = {
      id,
      createdAtMs,
      keyId: this.#key?.id ?? null,
      keyName: this.#key?.name ?? null,
      requestedModel: this.#model?.slice(0, 256) ?? null,
      servedModel: this.#served?.model.slice(0, 256) ?? null,
      provider: this.#provider,
      agentId: this.#served?.agentId ?? null,
      status: end.status,
      errorCode: end.errorCode,
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
      reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? null,
      tokensEstimated: end.outcome.usageEstimated ?? false,
      costUsd: end.outcome.costUsd ?? null,
      firstTokenMs: this.#firstOutputAt === undefined ? null : this.#firstOutputAt - startedAt,
      totalMs: performance.now() - startedAt,
      streamed: this.#streamed,
      clientGone: end.clientGone,
      attempts: this.#attempts,
    };
    const kept = keeps(row);
    if (kept) {
      live.end(row, this.#seat);
      record(row);
    }
    const { finishReason } = end.outcome;
    telemetry?.ended({
      record: row,
      kept,
      overheadMs: timing.overheadMs,
      finishReason,
      sdkRetryCount,
    } satisfies RequestEnd);
  }
}
