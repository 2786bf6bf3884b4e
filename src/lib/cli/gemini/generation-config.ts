import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { isFields, type Fields } from "../../openai/fields.ts";

export interface TranslatedConfig {
  /** Members of `GenerateContentConfig` (googleapis.github.io/js-genai); `null` takes one of the CLI's own away. */
  readonly config: Fields;
  readonly droppedParams: readonly string[];
}

/** Fields that are translated here or elsewhere, or that concern the transport only. */
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
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
]);

/** Budgets in tokens for the generation that takes them, and levels for the others (ai.google.dev, OpenAI compatibility). */
const BUDGETS: Readonly<Record<string, number>> = { none: 0, minimal: 1024, low: 1024, medium: 8192, high: 24_576 };
const LEVELS: Readonly<Record<string, string>> = { minimal: "LOW", low: "LOW", medium: "MEDIUM", high: "HIGH" };

/**
 * The parameters of a chat request as the CLI's settings carry them into `generationConfig`.
 *
 * @throws GatewayError 400 with `param`
 */
export function translateConfig(request: ChatRequest, model: string): TranslatedConfig {
  if ((request.n ?? 1) > 1) {
    throw new GatewayError("unsupported_value", "This model gives one choice per request.", { param: "n" });
  }
  const stop = typeof request.stop === "string" ? [request.stop] : (request.stop ?? []);
  const sequences = stop.filter((sequence) => sequence !== "");
  const thinking = translateEffort(request.reasoning_effort ?? undefined, model);
  const config = withoutUndefined({
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    stopSequences: sequences.length === 0 ? undefined : sequences,
    seed: readNumber(request["seed"]),
    presencePenalty: readNumber(request["presence_penalty"]),
    frequencyPenalty: readNumber(request["frequency_penalty"]),
    ...translateFormat(request.response_format),
    thinkingConfig: thinking,
  });
  return { config, droppedParams: findDropped(request, sequences.length < stop.length, thinking !== undefined) };
}

function readNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Which of budget and level a model takes is told by its name only; an alias for several generations gets neither. */
function translateEffort(effort: string | undefined, model: string): Fields | undefined {
  if (effort === undefined) return undefined;
  if (model.startsWith("gemini-2.5")) {
    const thinkingBudget = BUDGETS[effort];
    return thinkingBudget === undefined ? undefined : { thinkingBudget, thinkingLevel: null };
  }
  const thinkingLevel = /^gemini-[3-9]|^flash/.test(model) ? LEVELS[effort] : undefined;
  return thinkingLevel === undefined ? undefined : { thinkingLevel, thinkingBudget: null };
}

function translateFormat(format: ChatRequest["response_format"]): Fields {
  if (format === undefined || format === null || format.type === "text") return {};
  if (format.type === "json_object") return { responseMimeType: "application/json" };
  if (format.type !== "json_schema") {
    throw new GatewayError("unsupported_value", `The response format '${format.type}' is not supported.`, {
      param: "response_format.type",
    });
  }
  const jsonSchema = format["json_schema"];
  const schema = isFields(jsonSchema) ? jsonSchema["schema"] : undefined;
  if (isFields(schema)) return { responseMimeType: "application/json", responseJsonSchema: schema };
  throw new GatewayError("missing_required_parameter", "A response format of type 'json_schema' needs a schema.", {
    param: "response_format.json_schema.schema",
  });
}

function findDropped(request: ChatRequest, hasEmptyStop: boolean, hasThinking: boolean): readonly string[] {
  const { messages } = request;
  const hasName = messages.some((message) => message.role !== "function" && (message["name"] ?? null) !== null);
  const hasReasoning = messages.some((message) => message.role === "assistant" && message.reasoning_content);
  return [
    ...Object.keys(request).filter((name) => !HANDLED_FIELDS.has(name) && (request[name] ?? null) !== null),
    ...(hasEmptyStop ? ["stop"] : []),
    ...((request.reasoning_effort ?? null) !== null && !hasThinking ? ["reasoning_effort"] : []),
    ...(hasName ? ["messages[].name"] : []),
    ...(hasReasoning ? ["messages[].reasoning_content"] : []),
  ];
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
