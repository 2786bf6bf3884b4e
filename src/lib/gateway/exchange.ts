import type { HttpContext } from "../http/context.ts";
import type { ChatBody } from "../openai/chat-body.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import type { CallTimeouts, ProviderCall, ProviderOutcome, ServedBy } from "../providers/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { TraceContext } from "../telemetry/trace-context.ts";
import type { RequestMeter } from "../usage/meter.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { Target } from "./resolve-targets.ts";
import type { Resilience } from "./resilience.ts";
import { scopeIdempotencyKey } from "./idempotency-key.ts";
import { setServedHeaders } from "./response-headers.ts";

/** One admitted chat request with all that serving it needs. */
export interface Exchange {
  readonly context: HttpContext;
  readonly body: ChatBody;
  readonly targets: readonly Target[];
  readonly registry: ProviderRegistry;
  readonly meter: RequestMeter;
  readonly keepAlive: KeepAlive;
  readonly logger: Logger;
  readonly timeouts: CallTimeouts;
  readonly resilience: Resilience;
  /** The id of the client's key. */
  readonly keyId: string;
  /** The client's disconnect or the deadline. */
  readonly signal: AbortSignal;
  readonly completionId: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly traceContext: TraceContext | undefined;
}

/** Serves an exchange to its end. Resolves after the last byte was written; rejects with GatewayError. */
export type Serve = (exchange: Exchange) => Promise<ProviderOutcome>;

/** The call of one attempt at a target, with what remains of the request's time. */
export function makeCall(exchange: Exchange, target: Target): ProviderCall {
  const { context, timeouts } = exchange;
  const elapsedMs = performance.now() - context.startedAt;
  return {
    requestId: context.requestId,
    keyId: exchange.keyId,
    completionId: exchange.completionId,
    created: exchange.created,
    body: exchange.body,
    model: target.model,
    signal: exchange.signal,
    timing: context.timing,
    traceContext: exchange.traceContext,
    timeouts: {
      connectMs: timeouts.connectMs,
      firstOutputMs: timeouts.firstOutputMs,
      idleMs: timeouts.idleMs,
      totalMs: Math.max(1, Math.floor(timeouts.totalMs - elapsedMs)),
    },
    idempotencyKey: scopeIdempotencyKey(exchange.keyId, context.request.headers["idempotency-key"]),
  };
}

/** Notes who serves, on the row and (while they are unsent) in the headers. */
export function noteServed(exchange: Exchange, providerId: string, servedBy: ServedBy): void {
  const { context, meter } = exchange;
  meter.served(servedBy);
  if (context.response.headersSent) return;
  setServedHeaders(context.response, { providerId, servedBy, attempts: meter.attempts, startedAt: context.startedAt });
}
