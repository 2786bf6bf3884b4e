/**
 * OpenTelemetry traces by the official SDK. Loaded by `start-tracing.ts` only where an address is set for them. A request
 * has a server span, and each attempt at a provider a client span below it, with the attributes of the semantic conventions
 * for generative AI (opentelemetry.io/docs/specs/semconv/gen-ai). Prompts, answers, messages of errors and keys are in none.
 */
import {
  createTraceState,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Attributes, Context, Span, SpanContext } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_REQUEST_STREAM,
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from "@opentelemetry/semantic-conventions/incubating";
import type { Logger } from "./logger.ts";
import type { RequestEnd } from "./request-end.ts";
import type { AttemptOutcome, AttemptSpan, AttemptStart, RequestSpan, Tracing } from "./request-telemetry.ts";
import { readTraceContext, type TraceContext } from "./trace-context.ts";

export interface TracingOptions {
  /** Where OTLP traces are posted to, as JSON over HTTP. */
  readonly url: string;
  readonly serviceName: string;
  readonly version: string;
  readonly logger: Logger;
  /** How long spans wait for company, in milliseconds; the SDK's own 5 s unless a test says otherwise. */
  readonly delayMs?: number;
}

const EXPORT_TIMEOUT_MS = 10_000;
/** Time for the last spans of a proxy that ends. */
const CLOSE_TIMEOUT_MS = 3000;
/** Spans that wait for a collector; more are dropped. */
const MAX_QUEUED_SPANS = 2048;
const TELL_AGAIN_MS = 60_000;
const ROUTE = "/v1/chat/completions";

const VENDORS: Readonly<Record<string, string>> = {
  openai: "openai",
  "claude-api": "anthropic",
  "claude-cli": "anthropic",
  "claude-cli-remote": "anthropic",
  "codex-cli": "openai",
  "gemini-cli": "gcp.gemini",
};

/** See this file's head. What fails on the way to the collector is lost, and never disturbs a request. */
export function createTracing({ url, serviceName, version, logger, delayMs }: TracingOptions): Tracing {
  reportFailures(logger);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName, [ATTR_SERVICE_VERSION]: version }),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }), {
        maxQueueSize: MAX_QUEUED_SPANS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        ...(delayMs !== undefined && { scheduledDelayMillis: delayMs }),
      }),
    ],
    spanLimits: { attributeValueLengthLimit: 256 },
  });
  const tracer = provider.getTracer("codewise", version);

  return {
    start(headers): RequestSpan {
      const attributes = {
        [ATTR_HTTP_REQUEST_METHOD]: "POST",
        [ATTR_HTTP_ROUTE]: ROUTE,
        [ATTR_GEN_AI_OPERATION_NAME]: "chat",
      };
      const parent = toContext(readTraceContext(headers));
      const span = tracer.startSpan(`POST ${ROUTE}`, { kind: SpanKind.SERVER, attributes }, parent);
      return { context: toTraceContext(span.spanContext()), end: (end) => endRequest(span, end) };
    },
    attempt(start): AttemptSpan {
      const span = tracer.startSpan(
        `chat ${start.model.slice(0, 128)}`,
        { kind: SpanKind.CLIENT, attributes: describeAttempt(start) },
        toContext(start.parent),
      );
      return {
        context: toTraceContext(span.spanContext()),
        succeeded: (outcome) => {
          span.setAttributes(describeOutcome(outcome));
          span.end();
        },
        failed: (code) => {
          // The code alone: the words of an error may quote a prompt.
          span.setAttribute(ATTR_ERROR_TYPE, code);
          span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    async close() {
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref()),
      ]);
    },
  };
}

/** The SDK tells of failed exports through its own logger only; its words are left out, since they may quote a header. */
function reportFailures(logger: Logger): void {
  let toldAt = Number.NEGATIVE_INFINITY;
  const nothing = (): void => undefined;
  const error = (): void => {
    if (performance.now() - toldAt < TELL_AGAIN_MS) return;
    toldAt = performance.now();
    logger.warn("traces could not be sent to the collector");
  };
  const options = { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true };
  diag.setLogger({ error, warn: nothing, info: nothing, debug: nothing, verbose: nothing }, options);
}

function describeAttempt({ provider, model, server }: AttemptStart): Attributes {
  return {
    [ATTR_GEN_AI_OPERATION_NAME]: "chat",
    [ATTR_GEN_AI_PROVIDER_NAME]: VENDORS[provider] ?? provider,
    [ATTR_GEN_AI_REQUEST_MODEL]: model,
    "codewise.provider": provider,
    ...(server !== undefined && { [ATTR_SERVER_ADDRESS]: server.address, [ATTR_SERVER_PORT]: server.port }),
  };
}

function describeOutcome({ model, agentId, finishReason, inputTokens, outputTokens }: AttemptOutcome): Attributes {
  return withoutUndefined({
    [ATTR_GEN_AI_RESPONSE_MODEL]: model,
    [ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: [finishReason],
    [ATTR_GEN_AI_USAGE_INPUT_TOKENS]: inputTokens,
    [ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: outputTokens,
    "codewise.agent": agentId,
  });
}

function endRequest(span: Span, { record, overheadMs, finishReason }: RequestEnd): void {
  span.setAttributes(
    withoutUndefined({
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: record.status,
      [ATTR_GEN_AI_PROVIDER_NAME]: record.provider === null ? undefined : (VENDORS[record.provider] ?? record.provider),
      [ATTR_GEN_AI_REQUEST_MODEL]: record.requestedModel ?? undefined,
      [ATTR_GEN_AI_RESPONSE_MODEL]: record.servedModel ?? undefined,
      [ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: finishReason === undefined ? undefined : [finishReason],
      [ATTR_GEN_AI_USAGE_INPUT_TOKENS]: record.promptTokens ?? undefined,
      [ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: record.completionTokens ?? undefined,
      [ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: record.cachedTokens ?? undefined,
      [ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: record.reasoningTokens ?? undefined,
      [ATTR_GEN_AI_REQUEST_STREAM]: record.streamed,
      [ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: record.firstTokenMs === null ? undefined : record.firstTokenMs / 1000,
      "codewise.request_id": record.id,
      "codewise.provider": record.provider ?? undefined,
      "codewise.key_id": record.keyId ?? undefined,
      "codewise.agent": record.agentId ?? undefined,
      "codewise.attempts": record.attempts,
      "codewise.overhead_ms": overheadMs,
    }),
  );
  if (record.errorCode !== null) span.setAttribute(ATTR_ERROR_TYPE, record.errorCode);
  // By the HTTP conventions a fault of the client is none of the server's span.
  if (record.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function withoutUndefined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function toContext(carried: TraceContext | undefined): Context {
  if (carried === undefined) return ROOT_CONTEXT;
  const [, traceId = "", spanId = "", flags = "00"] = carried.traceparent.split("-");
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...("tracestate" in carried && { traceState: createTraceState(carried.tracestate) }),
  });
}

function toTraceContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}
