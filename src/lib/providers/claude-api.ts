import { z } from "zod";
import { GatewayError, toGatewayError, withUsage } from "../http/errors.ts";
import { createSseParser } from "../http/sse.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import { ON_THIS_THREAD, type BodyPreparer, type PreparedBody } from "../prepare-body/prepare-body.ts";
import type { Logger } from "../telemetry/logger.ts";
import { CLAUDE_ALIAS_MODELS, CLAUDE_STATIC_MODELS, resolveClaudeModel } from "./claude/models.ts";
import { translateClaudeError } from "./claude/translate-error.ts";
import { translateClaudeHeaders } from "./claude/translate-headers.ts";
import { translateResponse } from "./claude/translate-response.ts";
import { createClaudeStreamTranslator } from "./claude/translate-stream.ts";
import { hideSecret } from "./transports/hide-secret.ts";
import { createBackpressure } from "./transports/http-backpressure.ts";
import { withAnswerHeaders } from "./transports/http-errors.ts";
import { readHeader } from "./transports/http-header.ts";
import { createModelList } from "./transports/http-model-list.ts";
import { createHttpClient, type HttpRequest, type HttpStreamControl } from "./transports/http.ts";
import type { LLMProvider, ProviderCall, ProviderModel, ProviderOutcome, ServedBy, StreamSink } from "./types.ts";

const MODEL_LIST_TIMEOUT_MS = 10_000;
const MAX_MODEL_LIST_BYTES = 1024 * 1024;

export interface ClaudeApiProviderOptions {
  readonly apiKey: string;
  /** Without `/v1`, such as `https://api.anthropic.com`. */
  readonly baseUrl: string;
  /** A `Via` entry for every request, by which a proxy finds out that it asks itself. */
  readonly via?: string;
  /** Translates the requests; on the calling thread unless told otherwise. Closed by who made it. */
  readonly bodies?: BodyPreparer;
  readonly logger?: Logger;
}

interface PreparedRequest {
  readonly request: HttpRequest;
  readonly droppedParams: readonly string[];
}

const modelsReplySchema = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), created_at: z.string().nullish() })),
});

/** The Anthropic API (platform.claude.com/docs, Messages) as a provider: `claude-api`. */
export function createClaudeApiProvider(options: ClaudeApiProviderOptions): LLMProvider {
  const basePath = new URL(options.baseUrl).pathname.replace(/\/+$/, "");
  const http = createHttpClient(options.baseUrl);
  const { bodies = ON_THIS_THREAD } = options;
  const headers = {
    "x-api-key": options.apiKey,
    "anthropic-version": "2023-06-01",
    ...(options.via && { via: options.via }),
  };
  let closed = false;

  const translateError: HttpRequest["translateError"] = ({ status, headers: received, body, retryAfterMs }) =>
    withAnswerHeaders(
      translateClaudeError(status, body, retryAfterMs),
      received,
      translateClaudeHeaders(received, Date.now()),
    );

  const models = createModelList({
    initial: CLAUDE_STATIC_MODELS,
    load: async (signal) => {
      const timeouts = {
        connectMs: MODEL_LIST_TIMEOUT_MS,
        firstOutputMs: MODEL_LIST_TIMEOUT_MS,
        idleMs: MODEL_LIST_TIMEOUT_MS,
        totalMs: MODEL_LIST_TIMEOUT_MS,
      };
      const path = `${basePath}/v1/models?limit=1000`;
      const reply = await http.requestJson(
        { method: "GET", path, headers, signal, timeouts, translateError },
        MAX_MODEL_LIST_BYTES,
      );
      return [
        ...CLAUDE_ALIAS_MODELS,
        ...modelsReplySchema.parse(JSON.parse(reply.body.toString())).data.map(toProviderModel),
      ];
    },
    // Not the message: it may quote the upstream.
    onFailure: ({ code, status }) => options.logger?.warn({ code, status }, "could not list Anthropic's models"),
  });

  function createRequest(call: ProviderCall, stream: boolean): MaybePromise<PreparedRequest> {
    const form = { type: "messages-api", model: resolveClaudeModel(call.model), stream } as const;
    const prepared = bodies.prepare(call.body, form, call.signal);
    return prepared instanceof Promise
      ? prepared.then((late) => withPrepared(call, late))
      : withPrepared(call, prepared);
  }

  function withPrepared(call: ProviderCall, { bytes, droppedParams }: PreparedBody): PreparedRequest {
    const request: HttpRequest = {
      method: "POST",
      path: `${basePath}/v1/messages`,
      headers: { ...headers, "content-type": "application/json", ...call.traceContext },
      body: bytes,
      signal: call.signal,
      timeouts: call.timeouts,
      timing: call.timing,
      translateError,
    };
    return { request, droppedParams };
  }

  async function stream(call: ProviderCall, sink: StreamSink): Promise<ProviderOutcome> {
    const preparing = createRequest(call, true);
    // Waited for only where it is large: a small one is there.
    const { request, droppedParams } = preparing instanceof Promise ? await preparing : preparing;
    const translator = createClaudeStreamTranslator();
    const applyBackpressure = createBackpressure(sink);
    let upstreamRequestId: string | undefined;
    let upstreamHeaders: ServedBy["upstreamHeaders"];
    let servedBy: ServedBy | undefined;
    let control: HttpStreamControl | undefined;

    const open = (): ServedBy => {
      if (servedBy !== undefined) return servedBy;
      servedBy = { model: translator.model ?? call.model, droppedParams, upstreamRequestId, upstreamHeaders };
      sink.open(servedBy);
      return servedBy;
    };
    const parser = createSseParser({
      onEvent: ({ data }) => {
        if (control === undefined || translator.ended || data === "") return;
        const deltas = translator.push(parseEvent(data));
        if (translator.messageStarts > 1) throw invalidStream("a second message began");
        if (deltas.length > 0) {
          control.output();
          open();
          for (const delta of deltas) applyBackpressure(sink.delta(delta), control);
        }
        if (translator.ended) control.finish();
      },
    });
    try {
      await http.openStream(request, {
        onOpen: (received) => {
          upstreamRequestId = readHeader(received["request-id"]);
          upstreamHeaders = translateClaudeHeaders(received, Date.now());
        },
        onData: (chunk, streamControl) => {
          control = streamControl;
          parser.push(chunk);
        },
        onEnd: () => {
          throw new GatewayError("upstream_incomplete", "Anthropic's stream ended before the message did.");
        },
      });
    } catch (thrown) {
      throw withUsage(toGatewayError(thrown), translator.usage());
    }
    const { finishReason } = translator;
    if (finishReason === undefined) throw invalidStream("it ended without a stop reason");
    return { servedBy: open(), finishReason, usage: translator.usage() };
  }

  const provider: LLMProvider = {
    id: "claude-api",
    type: "claude-api",
    isAvailable: () => !closed,
    getModels: () => models.get(),
    stream,
    complete: async (call) => {
      const preparing = createRequest(call, false);
      const { request, droppedParams } = preparing instanceof Promise ? await preparing : preparing;
      const reply = await http.requestJson(request);
      const { completion, finishReason, usage, model } = translateResponse(parseReply(reply.body.toString()), call);
      const upstreamRequestId = readHeader(reply.headers["request-id"]);
      const upstreamHeaders = translateClaudeHeaders(reply.headers, Date.now());
      const servedBy = { model, droppedParams, upstreamRequestId, upstreamHeaders };
      return { body: completion, outcome: { servedBy, finishReason, usage } };
    },
    close: async () => {
      closed = true;
      models.close();
      await http.close();
    },
  };
  return hideSecret(provider, options.apiKey);
}

function toProviderModel(model: { id: string; created_at?: string | null | undefined }): ProviderModel {
  const created = Date.parse(model.created_at ?? "");
  return { id: model.id, ownedBy: "anthropic", created: Number.isNaN(created) ? 0 : Math.floor(created / 1000) };
}

function parseEvent(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw invalidStream("an event is no JSON");
  }
}

function parseReply(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new GatewayError("upstream_invalid_response", "Anthropic's reply is not JSON.");
  }
}

function invalidStream(what: string): GatewayError {
  return new GatewayError("upstream_invalid_response", `Anthropic's stream is malformed: ${what}.`);
}
