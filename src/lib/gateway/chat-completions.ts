import { endOfTurn } from "../http/end-of-turn.ts";
import type { BodyBudget, BodyShare } from "../http/body-budget.ts";
import { readBody } from "../http/body.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { GatewayError, toGatewayError } from "../http/errors.ts";
import type { ClientKey } from "../keys/key-store.ts";
import type { Limiter } from "../limits/types.ts";
import { createChatBodyReader, type ChatBody } from "../openai/chat-body.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import type { CallTimeouts, ProviderOutcome } from "../providers/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import { readSdkRetryCount } from "../telemetry/request-end.ts";
import type { RequestSpan, RequestTelemetry } from "../telemetry/request-telemetry.ts";
import { readTraceContext, type TraceContext } from "../telemetry/trace-context.ts";
import type { LiveRequests } from "../usage/live-requests.ts";
import { RequestMeter } from "../usage/meter.ts";
import type { RequestRecord } from "../usage/record.ts";
import { admit } from "./admit.ts";
import { authenticate } from "./authenticate.ts";
import type { CallGate } from "./call-gate.ts";
import { findTargets, type Elsewhere } from "./find-targets.ts";
import { createKeylessRowBudget } from "./keyless-rows.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { createResilience, type Resilience } from "./resilience.ts";
import { serveStream } from "./serve-stream.ts";
import { serveWhole } from "./serve-whole.ts";
import { whyFailed } from "./why-failed.ts";

export interface ChatCompletionsOptions {
  readonly registry: ProviderRegistry;
  readonly lookUpKey: (token: string) => MaybePromise<ClientKey | undefined>;
  readonly record: (record: RequestRecord) => void;
  readonly live: LiveRequests;
  readonly keepAlive: KeepAlive;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  readonly bodies: Pick<BodyBudget, "open">;
  readonly timeouts: CallTimeouts;
  /** Default: one of its own, with the defaults of `createResilience`. */
  readonly resilience?: Resilience;
  readonly telemetry?: RequestTelemetry;
  readonly gate: Pick<CallGate, "accepting" | "enter" | "leave">;
  /** Default: nobody is refused. */
  readonly limiter?: Limiter;
  /** Set in a worker process. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** `POST /v1/chat/completions`: the way of one request from its bearer to its row. */
export function createChatCompletionsHandler(options: ChatCompletionsOptions): HttpHandler {
  const keeps = createKeylessRowBudget();
  const settings = { ...options, resilience: options.resilience ?? createResilience() };
  const { telemetry } = options;
  return async (context) => {
    const seat = options.gate.enter(context);
    const { headers } = context.request;
    const span = telemetry?.tracer?.start(headers);
    const meter = new RequestMeter({
      id: context.requestId,
      startedAt: context.startedAt,
      createdAtMs: Date.now(),
      live: options.live,
      record: options.record,
      keeps,
      timing: context.timing,
      telemetry: span === undefined ? telemetry : withSpan(telemetry, span),
      sdkRetryCount: readSdkRetryCount(headers["x-stainless-retry-count"]),
    });
    const traceContext = span?.context ?? readTraceContext(headers);
    const share = options.bodies.open();
    const { totalMs } = options.timeouts;
    const deadline = setTimeout(() => {
      context.abort(new GatewayError("deadline_exceeded", `The request took longer than ${totalMs} ms.`));
    }, totalMs);
    try {
      const outcome = await serve(settings, context, meter, traceContext, share);
      if (outcome !== undefined) meter.succeeded(outcome);
    } catch (thrown) {
      const error = whyFailed(context.signal, toGatewayError(thrown));
      meter.failed(error);
      throw thrown instanceof GatewayError ? error : thrown;
    } finally {
      clearTimeout(deadline);
      share.release();
      options.gate.leave(seat);
    }
  };
}

/** Undefined where another process has served the request. */
async function serve(
  options: ChatCompletionsOptions & { readonly resilience: Resilience },
  context: HttpContext,
  meter: RequestMeter,
  traceContext: TraceContext | undefined,
  share: BodyShare,
): Promise<ProviderOutcome | undefined> {
  if (!options.gate.accepting()) {
    throw new GatewayError("shutting_down", "The proxy is shutting down.", { retryAfterMs: 1000 });
  }
  // Waited for only where there is something to wait for: each `await` costs a turn of the microtask queue.
  const found = authenticate(context, options.lookUpKey);
  const key = found instanceof Promise ? await found : found;
  meter.authenticated(key);
  const admission = options.limiter === undefined ? undefined : admit(context, key.id, options.limiter);
  const release = admission instanceof Promise ? await admission : admission;
  try {
    const { signal } = context;
    context.timing.waitBegins();
    const body = await readChat(context, share, options.maxBodyBytes);
    context.timing.waitEnds();
    const { model } = body.head;
    const isStream = body.head.stream === true;
    meter.asked(model, isStream);
    const { registry, keepAlive, logger, timeouts, resilience, elsewhere } = options;
    const choice = findTargets({ registry, model, keyId: key.id, elsewhere });
    const targets = choice instanceof Promise ? await choice : choice;
    // Not needed for this request: so its upstream is asked with those of others, which costs all of them less.
    await endOfTurn();
    if (targets === undefined) {
      meter.passedOn();
      await elsewhere?.passOn(context, body.withMembers({}));
      return undefined;
    }
    const serveExchange = isStream ? serveStream : serveWhole;
    return await serveExchange({
      context,
      body,
      targets,
      registry,
      meter,
      keepAlive,
      logger,
      timeouts,
      resilience,
      keyId: key.id,
      signal,
      completionId: `chatcmpl-${context.requestId.slice("req_".length)}`,
      created: Math.floor(Date.now() / 1000),
      traceContext,
    });
  } finally {
    release?.();
  }
}

async function readChat({ request, signal }: HttpContext, share: BodyShare, limitBytes: number): Promise<ChatBody> {
  const reader = createChatBodyReader();
  const bytes = await readBody(request, { limitBytes, signal, share, onChunk: (chunk) => reader.push(chunk) });
  const body = reader.end(bytes);
  if (body.head.stream_options != null && body.head.stream !== true) {
    throw new GatewayError("invalid_value", "`stream_options` is only allowed when `stream` is true.", {
      param: "stream_options",
    });
  }
  return body;
}

function withSpan(
  telemetry: RequestTelemetry | undefined,
  span: RequestSpan,
): Pick<RequestTelemetry, "attempt" | "ended"> {
  return {
    attempt: (provider) => telemetry?.attempt(provider),
    ended: (end) => {
      telemetry?.ended(end);
      span.end(end);
    },
  };
}
