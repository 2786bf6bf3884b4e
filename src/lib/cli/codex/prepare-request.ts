import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { cannotCarry, prepareTools, type DynamicTool } from "./client-tools.ts";
import { hasMoreLevels } from "./json-levels.ts";
import { CATALOG_IMAGE_LIMITS, refuseLargeImages, type PlacedImage } from "./prepare-image.ts";
import { toResponseItems } from "./response-items.ts";
import { isStrictSchema } from "./strict-schema.ts";

/** The alias of the CLI's own default model: the owner's `model`, else the version's. */
export const DEFAULT_MODEL = "codex";

/** One request in the terms of the app server. */
export interface PreparedRequest {
  /** `undefined`: the CLI's default. */
  readonly model: string | undefined;
  /** The whole conversation, as `thread/inject_items` takes it. */
  readonly items: readonly Fields[];
  /** The images among them, none too large for the CLI's own models. */
  readonly images: readonly PlacedImage[];
  readonly tools: readonly DynamicTool[];
  /** Names as the client gave them, by the names that the model sees. */
  readonly clientNames: ReadonlyMap<string, string>;
  /** One call an answer at most: the CLI cannot tell its model, so the others are left out. */
  readonly isSingleCall: boolean;
  readonly effort: string | undefined;
  readonly verbosity: string | undefined;
  readonly outputSchema: Fields | undefined;
  /** Texts at which the answer ends; none is empty. */
  readonly stop: readonly string[];
  readonly droppedParams: readonly string[];
}

const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]{0,199}$/;
/** A level of effort or verbosity, whose values are the upstream's to know. */
const LEVEL = /^[a-z]{1,20}$/;

/** Far beyond the API's four; each costs a step a character of the answer, within the process that serves everybody. */
const MAX_STOPS = 16;
const MAX_STOP_CHARACTERS = 256;

/** Of what is the client's to nest. A line that is 128 levels deep with what stands around it is never answered (0.169.0). */
const MAX_LEVELS = 100;

/** Carried, or of the transport only. Every other field that has a value is named as dropped. */
const HANDLED_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "n",
  "stop",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "verbosity",
]);
/** Dropped without a word where they ask for what is given anyway. */
const DEFAULTS: Fields = { temperature: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0, logprobs: false };

/**
 * Checks that the CLI can carry a chat request and translates it. What it cannot carry but another provider can is
 * refused with `failover` where an answer would be wrong without it; what else is not carried is named as dropped.
 *
 * @throws GatewayError 400 with `param`
 */
export function prepareRequest(request: ChatRequest, model: string): PreparedRequest {
  if (!MODEL_NAME.test(model)) {
    throw new GatewayError("unsupported_value", "The model's name has a form that the CLI does not take.", {
      param: "model",
    });
  }
  refuseUncarried(request);
  refuseDeep(request);
  const { tools, clientNames, droppedParams } = prepareTools(request);
  const format = readFormat(request.response_format);
  const { items, images } = toResponseItems(request.messages);
  refuseLargeImages(images, CATALOG_IMAGE_LIMITS);
  return {
    model: model === DEFAULT_MODEL ? undefined : model,
    items,
    images,
    tools,
    clientNames,
    isSingleCall: request.parallel_tool_calls === false,
    effort: readLevel(request.reasoning_effort, "reasoning_effort"),
    verbosity: readLevel(request["verbosity"], "verbosity"),
    outputSchema: format.schema,
    stop: readStops(request.stop),
    droppedParams: [
      ...Object.keys(request).filter((name) => isDropped(name, request[name])),
      ...(format.isCarried ? [] : ["response_format"]),
      ...findDroppedInMessages(request),
      ...droppedParams,
    ],
  };
}

function refuseUncarried(request: ChatRequest): void {
  if ((request.n ?? 1) > 1) throw cannotCarry("n", "The CLI gives one choice per request");
  if (request["logprobs"] === true) throw cannotCarry("logprobs", "The CLI gives no log probabilities");
  if (Array.isArray(request["functions"])) throw cannotCarry("functions", "The CLI takes functions as 'tools' only");
  const modalities = request["modalities"];
  if (Array.isArray(modalities) && modalities.some((modality) => modality !== "text")) {
    throw cannotCarry("modalities", "The CLI answers in text only");
  }
}

function refuseDeep(request: ChatRequest): void {
  for (const param of ["tools", "response_format"]) {
    if (!hasMoreLevels(request[param], MAX_LEVELS)) continue;
    throw new GatewayError("invalid_request", `'${param}' is nested deeper than ${MAX_LEVELS} levels.`, { param });
  }
}

function isDropped(name: string, value: unknown): boolean {
  return !HANDLED_FIELDS.has(name) && (value ?? null) !== null && DEFAULTS[name] !== value;
}

function readStops(stop: ChatRequest["stop"]): readonly string[] {
  const stops = (typeof stop === "string" ? [stop] : (stop ?? [])).filter((text) => text !== "");
  if (stops.length > MAX_STOPS) throw cannotCarry("stop", `More than ${MAX_STOPS} stop texts are not looked for`);
  if (stops.some((text) => text.length > MAX_STOP_CHARACTERS)) {
    throw cannotCarry("stop", `A stop text of more than ${MAX_STOP_CHARACTERS} characters is not looked for`);
  }
  return stops;
}

function readLevel(value: unknown, param: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && LEVEL.test(value)) return value;
  throw new GatewayError("unsupported_value", `The value of '${param}' is not supported.`, { param });
}

function readFormat(format: ChatRequest["response_format"]): { schema?: Fields; isCarried: boolean } {
  if (format === undefined || format === null || format.type === "text") return { isCarried: true };
  if (format.type === "json_object") return { isCarried: false };
  const definition = format["json_schema"];
  if (format.type !== "json_schema" || !isFields(definition) || !isFields(definition["schema"])) {
    throw new GatewayError("unsupported_value", "The response format is not supported.", { param: "response_format" });
  }
  const { schema, strict } = definition;
  if (strict !== true && !isStrictSchema(schema)) {
    throw cannotCarry("response_format", "The CLI takes schemas only that fit strict structured outputs");
  }
  return { schema, isCarried: true };
}

function findDroppedInMessages({ messages }: ChatRequest): readonly string[] {
  const has = (field: string): boolean => messages.some((message) => (message[field] ?? null) !== null);
  return ["name", "reasoning_content"].filter(has).map((field) => `messages[].${field}`);
}
