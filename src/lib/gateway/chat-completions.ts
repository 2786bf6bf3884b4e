import { readBody } from "../http/body.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { changeError, GatewayError, toGatewayError } from "../http/errors.ts";
import { parseJson } from "../http/json-body.ts";
import type { ClientKey } from "../keys/key-store.ts";
import type { Limiter } from "../limits/types.ts";
import { chatRequestSchema, type ChatRequest } from "../openai/chat.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import type { CallTimeouts, ProviderOutcome } from "../providers/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { LiveRequests } from "../usage/live-requests.ts";
import { RequestMeter } from "../usage/meter.ts";
import type { RequestRecord } from "../usage/record.ts";
import { admit } from "./admit.ts";
import { authenticate } from "./authenticate.ts";
import type { CallGate } from "./call-gate.ts";
import { startDeadline } from "./deadline.ts";
import { findTargets, type Elsewhere } from "./find-targets.ts";
import { createKeylessRowBudget } from "./keyless-rows.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { serveStream } from "./serve-stream.ts";
import { serveWhole } from "./serve-whole.ts";

export interface ChatCompletionsOptions {
  readonly registry: ProviderRegistry;
  readonly lookUpKey: (token: string) => Promise<ClientKey | undefined>;
  readonly record: (record: RequestRecord) => void;
  readonly live: LiveRequests;
  readonly keepAlive: KeepAlive;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  readonly timeouts: CallTimeouts;
  readonly gate: Pick<CallGate, "accepting" | "ended">;
  readonly limiter: Limiter;
  /** Set in a worker process. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** `POST /v1/chat/completions`: the way of one request from its bearer to its row. */
export function createChatCompletionsHandler(options: ChatCompletionsOptions): HttpHandler {
  const keeps = createKeylessRowBudget();
  return async (context) => {
    const meter = new RequestMeter({
      id: context.requestId,
      startedAt: context.startedAt,
      createdAtMs: Date.now(),
      live: options.live,
      record: options.record,
      keeps,
    });
    const deadline = startDeadline([context.signal, options.gate.ended], options.timeouts.totalMs);
    try {
      const outcome = await serve(options, context, meter, deadline.signal);
      if (outcome !== undefined) meter.succeeded(outcome);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      const closed = closedByClient(context);
      meter.failed(closed === undefined ? error : changeError(closed, { usage: error.usage }));
      throw thrown;
    } finally {
      deadline.clear();
    }
  };
}

/** Undefined where another process has served the request. */
async function serve(
  options: ChatCompletionsOptions,
  context: HttpContext,
  meter: RequestMeter,
  signal: AbortSignal,
): Promise<ProviderOutcome | undefined> {
  if (!options.gate.accepting()) {
    throw new GatewayError("shutting_down", "The proxy is shutting down.", { retryAfterMs: 1000 });
  }
  const key = await authenticate(context, options.lookUpKey);
  meter.authenticated(key);
  const release = await admit(context, key.id, options.limiter);
  try {
    return await serveAdmitted(options, context, meter, signal);
  } finally {
    release();
  }
}

async function serveAdmitted(
  options: ChatCompletionsOptions,
  context: HttpContext,
  meter: RequestMeter,
  signal: AbortSignal,
): Promise<ProviderOutcome | undefined> {
  const body = await readBody(context.request, { limitBytes: options.maxBodyBytes, signal });
  const request = parseChatRequest(body);
  meter.asked(request.model, request.stream === true);
  const { registry, keepAlive, logger, timeouts, elsewhere } = options;
  const targets = await findTargets(registry, request.model, elsewhere);
  if (targets === undefined) {
    meter.passedOn();
    await elsewhere?.passOn(context, body);
    return undefined;
  }
  const serveExchange = request.stream === true ? serveStream : serveWhole;
  return await serveExchange({
    context,
    request,
    targets,
    registry,
    meter,
    keepAlive,
    logger,
    timeouts,
    signal,
    completionId: `chatcmpl-${context.requestId.replace(/^req_/, "")}`,
    created: Math.floor(Date.now() / 1000),
  });
}

function parseChatRequest(body: Buffer): ChatRequest {
  const request = parseJson(body, chatRequestSchema);
  if (request.stream_options != null && request.stream !== true) {
    throw new GatewayError("invalid_value", "`stream_options` is only allowed when `stream` is true.", {
      param: "stream_options",
    });
  }
  return request;
}

function closedByClient(context: HttpContext): GatewayError | undefined {
  if (!context.signal.aborted) return undefined;
  const { reason } = context.signal;
  return reason instanceof GatewayError
    ? reason
    : new GatewayError("client_closed_request", "The client closed the request.");
}
