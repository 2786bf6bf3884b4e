import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { claudeModelTraits } from "./models.ts";
import { isFields } from "../../openai/fields.ts";
import { translateMessages } from "./translate-messages.ts";
import { translateReasoning } from "./translate-reasoning.ts";
import { translateTools } from "./translate-tools.ts";
import type { ClaudeRequestBody } from "./types.ts";

export { translateMessages } from "./translate-messages.ts";

export interface TranslateRequestOptions {
  /** The model's id as the Messages API knows it. */
  readonly model: string;
  /** `max_tokens` when the client gave none: Anthropic demands one. */
  readonly defaultMaxTokens: number;
}

export interface TranslatedRequest {
  readonly body: ClaudeRequestBody;
  /** Names of request fields that the target cannot honour; `messages[].name` and the like for fields within. */
  readonly droppedParams: readonly string[];
}

/** Fields that are translated, or that concern the transport only. Every other field that has a value is named as dropped. */
const HANDLED_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "n",
  "stop",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "user",
  "safety_identifier",
]);

/**
 * A chat request as the body of `POST /v1/messages` (platform.claude.com/docs, Messages), without `stream`.
 *
 * `temperature` over 1 becomes 1, Anthropic's highest. Models that refuse sampling parameters get none, and thinking by
 * budget excludes them; then they are named as dropped, unless they had their default of 1. Stop sequences of white
 * space only are refused by Anthropic and named as dropped.
 *
 * @throws GatewayError 400 with `param` on what cannot be carried at all.
 */
export function translateRequest(request: ChatRequest, options: TranslateRequestOptions): TranslatedRequest {
  if ((request.n ?? 1) > 1) {
    throw new GatewayError("unsupported_value", "This model gives one choice per request.", { param: "n" });
  }
  const traits = claudeModelTraits(options.model);
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? options.defaultMaxTokens;
  const { system, messages } = translateMessages(request.messages);
  const { tools, toolChoice, forced } = translateTools(request);
  const reasoning = translateReasoning(request.reasoning_effort, traits, maxTokens, forced);
  const sampling = translateSampling(request, traits.sampling && reasoning.thinking?.["type"] === undefined);
  const stop = translateStop(request.stop);
  const format = translateResponseFormat(request.response_format);
  const outputConfig = {
    ...(reasoning.effort === undefined ? {} : { effort: reasoning.effort }),
    ...(format.schema === undefined ? {} : { format: { type: "json_schema", schema: format.schema } }),
  };
  const userId = request.user ?? request["safety_identifier"];
  return {
    body: {
      model: options.model,
      max_tokens: maxTokens,
      ...(system.length === 0 ? {} : { system }),
      messages,
      ...(tools.length === 0 ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
      ...sampling.params,
      ...(stop.sequences.length === 0 ? {} : { stop_sequences: stop.sequences }),
      ...(reasoning.thinking === undefined ? {} : { thinking: reasoning.thinking }),
      ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
      ...(typeof userId === "string" && userId !== "" ? { metadata: { user_id: userId } } : {}),
    },
    droppedParams: [
      ...Object.keys(request).filter((name) => !HANDLED_FIELDS.has(name) && (request[name] ?? null) !== null),
      ...sampling.dropped,
      ...(stop.complete ? [] : ["stop"]),
      ...(reasoning.honoured ? [] : ["reasoning_effort"]),
      ...(format.honoured ? [] : ["response_format"]),
      ...findDroppedMessageFields(request),
      ...findDroppedToolFields(request),
    ],
  };
}

interface TranslatedSampling {
  readonly params: { readonly temperature?: number; readonly top_p?: number };
  readonly dropped: readonly string[];
}

function translateSampling(request: ChatRequest, supported: boolean): TranslatedSampling {
  const temperature = request.temperature ?? undefined;
  const topP = request.top_p ?? undefined;
  if (!supported) {
    return {
      params: {},
      dropped: [
        ...(temperature === undefined || temperature === 1 ? [] : ["temperature"]),
        ...(topP === undefined || topP === 1 ? [] : ["top_p"]),
      ],
    };
  }
  return {
    params: {
      ...(temperature === undefined ? {} : { temperature: Math.min(temperature, 1) }),
      ...(topP === undefined ? {} : { top_p: topP }),
    },
    dropped: [],
  };
}

function translateStop(stop: ChatRequest["stop"]): { sequences: readonly string[]; complete: boolean } {
  const asked = typeof stop === "string" ? [stop] : (stop ?? []);
  const sequences = asked.filter((sequence) => sequence.trim() !== "");
  return { sequences, complete: sequences.length === asked.length };
}

function translateResponseFormat(format: ChatRequest["response_format"]): {
  schema?: Record<string, unknown>;
  honoured: boolean;
} {
  if (format === undefined || format === null || format.type === "text") return { honoured: true };
  if (format.type === "json_object") return { honoured: false };
  if (format.type !== "json_schema") {
    throw new GatewayError(
      "unsupported_value",
      `The response format '${format.type}' is not supported by this model.`,
      {
        param: "response_format.type",
      },
    );
  }
  const jsonSchema = format["json_schema"];
  const schema = isFields(jsonSchema) ? jsonSchema["schema"] : undefined;
  if (isFields(schema)) return { schema, honoured: true };
  throw new GatewayError("missing_required_parameter", "A response format of type 'json_schema' needs a schema.", {
    param: "response_format.json_schema.schema",
  });
}

function findDroppedMessageFields(request: ChatRequest): readonly string[] {
  const dropped = new Set<string>();
  for (const message of request.messages) {
    if (message.role !== "function" && (message["name"] ?? null) !== null) dropped.add("messages[].name");
    if (message.role === "assistant" && message.reasoning_content && !message.reasoning_signature) {
      dropped.add("messages[].reasoning_content");
    }
    if (message.role === "assistant" && (message["audio"] ?? null) !== null) dropped.add("messages[].audio");
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content) {
      const image = part.type === "image_url" ? part["image_url"] : undefined;
      if (isFields(image) && (image["detail"] ?? "auto") !== "auto")
        dropped.add("messages[].content[].image_url.detail");
    }
  }
  return [...dropped];
}

function findDroppedToolFields(request: ChatRequest): readonly string[] {
  const isStrict = (tool: unknown): boolean =>
    isFields(tool) && isFields(tool["function"]) && tool["function"]["strict"] === true;
  return request.tools?.some(isStrict) ? ["tools[].function.strict"] : [];
}
