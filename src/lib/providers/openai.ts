import { z } from "zod";
import { toGatewayError, withUsage } from "../http/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createChunkRelay } from "./openai/relay-chunk.ts";
import { watchCompletion } from "./openai/relay-completion.ts";
import { RelayedStream } from "./openai/relay-stream.ts";
import { renameTokenLimit } from "./openai/token-limit.ts";
import { translateOpenAIError } from "./openai/translate-error.ts";
import { translateOpenAIHeaders } from "./openai/translate-headers.ts";
import { hideSecret } from "./transports/hide-secret.ts";
import { withAnswerHeaders } from "./transports/http-errors.ts";
import { readHeader } from "./transports/http-header.ts";
import { createModelList, type ModelList } from "./transports/http-model-list.ts";
import { createHttpClient, type HttpRequest } from "./transports/http.ts";
import type { LLMProvider, ProviderCall, ProviderModel, ProviderOutcome, StreamSink } from "./types.ts";

const MODEL_LIST_TIMEOUT_MS = 3000;
const MAX_MODEL_LIST_BYTES = 4 * 1024 * 1024;

export interface OpenAIProviderOptions {
  readonly apiKey: string;
  /** With its version, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** The models on offer; asked from the upstream where the list is left out or empty. */
  readonly models?: readonly string[];
  /** A `Via` entry for every request, by which a proxy finds out that it asks itself. */
  readonly via?: string;
  readonly logger?: Logger;
}

const modelsReplySchema = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      owned_by: z.string().nullish(),
      created: z.int().nonnegative().nullish().catch(null),
    }),
  ),
});

/**
 * The OpenAI API, or any server that speaks it, as a provider: `openai`. It relays: the client's fields reach the
 * upstream untouched, unknown ones too (but for a token limit under a name that the model refuses), and the upstream's
 * chunks reach the client as they came.
 */
export function createOpenAIProvider(options: OpenAIProviderOptions): LLMProvider {
  const basePath = new URL(options.baseUrl).pathname.replace(/\/+$/, "");
  const http = createHttpClient(options.baseUrl);
  const headers = { authorization: `Bearer ${options.apiKey}`, ...(options.via && { via: options.via }) };
  const callHeaders = { ...headers, "content-type": "application/json" };
  const models = createModels();
  let closed = false;

  const translateError: HttpRequest["translateError"] = ({ status, headers: received, body, retryAfterMs }) =>
    withAnswerHeaders(translateOpenAIError(status, body, retryAfterMs), received, translateOpenAIHeaders(received));

  function createModels(): Pick<ModelList, "get" | "close"> {
    const fixed = (options.models ?? []).map((id): ProviderModel => ({ id, ownedBy: "openai", created: 0 }));
    if (fixed.length > 0) return { get: () => fixed, close: () => {} };
    return createModelList({
      load: loadModels,
      // Not the message: it may quote the upstream.
      onFailure: ({ code, status }) =>
        options.logger?.warn({ code, status }, "could not list the OpenAI upstream's models"),
    });
  }

  async function loadModels(signal: AbortSignal): Promise<readonly ProviderModel[]> {
    const timeouts = {
      connectMs: MODEL_LIST_TIMEOUT_MS,
      firstOutputMs: MODEL_LIST_TIMEOUT_MS,
      idleMs: MODEL_LIST_TIMEOUT_MS,
      totalMs: MODEL_LIST_TIMEOUT_MS,
    };
    const reply = await http.requestJson(
      { method: "GET", path: `${basePath}/models`, headers, signal, timeouts, translateError },
      MAX_MODEL_LIST_BYTES,
    );
    const { data } = modelsReplySchema.parse(JSON.parse(reply.body.toString()));
    return data.map((model) => ({ id: model.id, ownedBy: model.owned_by ?? "openai", created: model.created ?? 0 }));
  }

  function createRequest(call: ProviderCall, stream: boolean): HttpRequest {
    return {
      method: "POST",
      path: `${basePath}/chat/completions`,
      headers: withCallHeaders(callHeaders, call),
      body: upstreamBody(call, stream),
      signal: call.signal,
      timeouts: call.timeouts,
      timing: call.timing,
      translateError,
    };
  }

  async function stream(call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome> {
    const { stream_options: streamOptions, n } = call.body.head;
    const relay = createChunkRelay({ includeUsage: streamOptions?.include_usage === true, choices: n ?? 1 });
    const relayed = new RelayedStream(call.model, relay, sink);
    try {
      await http.openStream(createRequest(call, true), relayed);
      return relayed.outcome();
    } catch (thrown) {
      throw withUsage(toGatewayError(thrown), relay.usage);
    }
  }

  const provider: LLMProvider = {
    id: "openai",
    type: "openai",
    isAvailable: () => !closed,
    getModels: () => models.get(),
    stream,
    complete: async (call) => {
      const reply = await http.requestJson(createRequest(call, false));
      const { model = call.model, finishReason, usage } = watchCompletion(reply.body, call.body.head.n ?? 1);
      const upstreamRequestId = readHeader(reply.headers["x-request-id"]);
      const upstreamHeaders = translateOpenAIHeaders(reply.headers);
      const servedBy = { model, upstreamRequestId, upstreamHeaders };
      return { body: reply.body, outcome: { servedBy, finishReason, usage } };
    },
    close: async () => {
      closed = true;
      models.close();
      await http.close();
    },
  };
  return hideSecret(provider, options.apiKey);
}

/** The client's own bytes, with only those members changed that the upstream must see otherwise. */
function upstreamBody({ body, model }: ProviderCall, stream: boolean): Buffer {
  const { head } = body;
  const renamed = renameTokenLimit(head, model);
  if (!stream && model === head.model) return body.withMembers(renamed);
  const asksForUsage = head.stream_options?.include_usage === true;
  return body.withMembers({
    ...(model !== head.model && { model: { value: model } }),
    ...(stream && head.stream !== true && { stream: { value: true } }),
    // Usage is always asked for, and kept from clients that did not.
    ...(stream && !asksForUsage && { stream_options: { value: { ...head.stream_options, include_usage: true } } }),
    ...renamed,
  });
}

/** The headers of every call, with those of this one. */
function withCallHeaders(
  headers: Readonly<Record<string, string>>,
  { idempotencyKey, traceContext }: ProviderCall,
): Readonly<Record<string, string>> {
  if (idempotencyKey === undefined && traceContext === undefined) return headers;
  return {
    ...headers,
    ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
    ...traceContext,
  };
}
