import type { IncomingHttpHeaders } from "node:http";
import type { RequestEnd } from "./request-end.ts";
import type { TraceContext } from "./trace-context.ts";

/** The span of one request. */
export interface RequestSpan {
  /** What its attempts, and all who work for them, belong to. */
  readonly context: TraceContext;
  end(end: RequestEnd): void;
}

export interface RequestTracer {
  /** Begins the span of a request that has just arrived, as a part of the client's trace where it has one. */
  start(headers: IncomingHttpHeaders): RequestSpan;
}

/** What is told of every chat request on its way. Neither method throws. */
export interface RequestTelemetry {
  /** A provider is about to be asked. */
  attempt(provider: string): void;
  ended(end: RequestEnd): void;
  /** Where traces are on. */
  readonly tracer?: RequestTracer | undefined;
}

export interface AttemptStart {
  /** The request's span. */
  readonly parent: TraceContext | undefined;
  /** Id of the provider. */
  readonly provider: string;
  readonly model: string;
  /** Who is asked, where it is a server. */
  readonly server: { readonly address: string; readonly port: number } | undefined;
}

export interface AttemptOutcome {
  readonly model: string;
  readonly agentId: string | undefined;
  readonly finishReason: string;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** The span of one attempt; ended by either method. */
export interface AttemptSpan {
  /** For whoever answers. */
  readonly context: TraceContext;
  succeeded(outcome: AttemptOutcome): void;
  /** @param code of the code table */
  failed(code: string): void;
}

export interface Tracing extends RequestTracer {
  attempt(start: AttemptStart): AttemptSpan;
  /** Sends what waits, for a bounded time. Never rejects. */
  close(): Promise<void>;
}
