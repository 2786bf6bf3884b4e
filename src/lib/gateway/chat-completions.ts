import type { BodyBudget, BodyShare } from "../http/body-budget.ts";
import { readBody } from "../http/body.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { changeError, GatewayError, toGatewayError } from "../http/errors.ts";
import { parseJson } from "../http/json-body.ts";
import type { ClientKey } from "../keys/key-store.ts";
import { chatRequestSchema, type ChatRequest } from "../openai/chat.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import type { CallTimeouts, ProviderOutcome } from "../providers/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { LiveRequests } from "../usage/live-requests.ts";
import { RequestMeter } from "../usage/meter.ts";
import type { RequestRecord } from "../usage/record.ts";
import { authenticate } from "./authenticate.ts";
import type { CallGate } from "./call-gate.ts";
import { collectOffers } from "./collect-offers.ts";
import { startDeadline } from "./deadline.ts";
import { createKeylessRowBudget } from "./keyless-rows.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { resolveTargets } from "./resolve-targets.ts";
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
  readonly bodies: Pick<BodyBudget, "open">;
  readonly timeouts: CallTimeouts;
  readonly gate: Pick<CallGate, "accepting" | "ended">;
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
    const share = options.bodies.open();
    const deadline = startDeadline([context.signal, options.gate.ended], options.timeouts.totalMs);
    try {
      meter.succeeded(await serve(options, context, meter, share, deadline.signal));
    } catch (thrown) {
      const error = toGatewayError(thrown);
      const closed = closedByClient(context);
      meter.failed(closed === undefined ? error : changeError(closed, { usage: error.usage }));
      throw thrown;
    } finally {
      deadline.clear();
      share.release();
    }
  };
}

async function serve(
  options: ChatCompletionsOptions,
  context: HttpContext,
  meter: RequestMeter,
  share: BodyShare,
  signal: AbortSignal,
): Promise<ProviderOutcome> {
  if (!options.gate.accepting()) {
    throw new GatewayError("shutting_down", "The proxy is shutting down.", { retryAfterMs: 1000 });
  }
  meter.authenticated(await authenticate(context, options.lookUpKey));
  const body = await readBody(context.request, { limitBytes: options.maxBodyBytes, signal, share });
  const request = parseChatRequest(body);
  meter.asked(request.model, request.stream === true);
  const { registry, keepAlive, logger, timeouts } = options;
  const targets = resolveTargets(request.model, await collectOffers(registry, request.model));
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
