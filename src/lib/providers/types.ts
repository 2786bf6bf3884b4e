import type { MaybePromise } from "../maybe-promise.ts";
import type { ChatBody } from "../openai/chat-body.ts";
import type { ChatCompletion } from "../openai/completion.ts";
import type { ChatDelta } from "../openai/delta.ts";
import type { FinishReason, Usage } from "../openai/usage.ts";
import type { RequestTiming } from "../telemetry/request-timing.ts";
import type { TraceContext } from "../telemetry/trace-context.ts";

export interface ProviderModel {
  /** The id a client sends; where it has no prefix yet also valid as `<provider id>/<id>`. */
  readonly id: string;
  /** `owned_by` of `/v1/models`. */
  readonly ownedBy: string;
  /** Seconds since the epoch; 0 when unknown. */
  readonly created: number;
}

/** The four clocks of one attempt, in milliseconds. Only real output feeds `idleMs`, never comments or pings. */
export interface CallTimeouts {
  readonly connectMs: number;
  readonly firstOutputMs: number;
  readonly idleMs: number;
  /** What remains of the request's whole budget. */
  readonly totalMs: number;
}

/** One attempt at one provider. */
export interface ProviderCall {
  readonly requestId: string;
  /** The id of the client key that asks. */
  readonly keyId: string;
  /** `chatcmpl-…`: the id that all chunks carry. */
  readonly completionId: string;
  /** Seconds since the epoch: `created` of all chunks. */
  readonly created: number;
  readonly body: ChatBody;
  /** The model name for this provider: the request's, without a `provider/` prefix. */
  readonly model: string;
  /** Aborted by the client's disconnect, a timeout or a lost race. The provider must then stop all work at once. */
  readonly signal: AbortSignal;
  readonly timeouts: CallTimeouts;
  /** For an upstream that knows `Idempotency-Key`; equal for equal requests of one client. */
  readonly idempotencyKey?: string | undefined;
  /** Told when the request is handed on (`sent`) and when bytes of the answer come (`received`). */
  readonly timing?: RequestTiming | undefined;
  /** The W3C headers of the trace that this attempt is part of, for whoever answers. */
  readonly traceContext?: TraceContext | undefined;
}

/** What is known about who serves a call before the first output; becomes response headers. */
export interface ServedBy {
  /** The model as the upstream names it, where it told; else as it was asked. */
  readonly model: string;
  readonly agentId?: string | undefined;
  /** Request parameters this target cannot honour, by name. */
  readonly droppedParams?: readonly string[];
  readonly upstreamRequestId?: string | undefined;
  /** Headers of the upstream's answer that go on to the client, such as `x-ratelimit-*`: names and values already checked. */
  readonly upstreamHeaders?: Readonly<Record<string, string>> | undefined;
}

/**
 * Where a stream goes. `open` once, then only `delta` or only `raw`. A `false` answer means the reader is slow: the
 * provider stops reading its source until `onDrain` fires. Nothing is ever dropped.
 */
export interface StreamSink {
  open(servedBy: ServedBy): void;
  /** One step of the answer; the sink wraps it into a chunk. */
  delta(delta: ChatDelta): boolean;
  /** One complete `chat.completion.chunk` as JSON text, from an upstream that speaks the hub format. */
  raw(payload: string): boolean;
  /** Calls back once, when the reader has caught up or is gone. */
  onDrain(listener: () => void): void;
}

/** How a call ended. It exists only where the provider said so: an end that is inferred is an error. */
export interface ProviderOutcome {
  readonly servedBy: ServedBy;
  readonly finishReason: FinishReason;
  readonly usage?: Usage | undefined;
  /** True when the provider counted by estimate. */
  readonly usageEstimated?: boolean;
  readonly costUsd?: number | undefined;
}

export interface CompletionResult {
  /** A `chat.completion` object; an upstream's own bytes where they are relayed. */
  readonly body: ChatCompletion | Buffer;
  readonly outcome: ProviderOutcome;
}

export const BUILTIN_PROVIDER_TYPES = [
  "openai",
  "claude-api",
  "claude-cli",
  "claude-cli-remote",
  "codex-cli",
  "gemini-cli",
] as const;
export type ProviderType = (typeof BUILTIN_PROVIDER_TYPES)[number];

/**
 * A place that can answer chat requests. Methods throw GatewayError only. `stream` resolves after the last output
 * was given to the sink, and rejects when the answer is not whole; the gateway never sees a silent end.
 */
export interface LLMProvider {
  readonly id: string;
  readonly type: ProviderType;
  /** Whether a call for this model by this key (any, if left out) could be served now. Cheap: called per request. */
  isAvailable(model?: string, keyId?: string): boolean;
  /** The models on offer to a key (to all keys, if left out), from a snapshot that is refreshed in the background: at once where there is one; never rejects. */
  getModels(keyId?: string): MaybePromise<readonly ProviderModel[]>;
  complete(call: ProviderCall): Promise<CompletionResult>;
  stream(call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome>;
  /** Ends what the provider holds open: pools, processes. */
  close(): Promise<void>;
}
