import { isFields } from "./fields.ts";
import type { ChatRequest } from "./chat.ts";

const ROLES: ReadonlySet<unknown> = new Set(["system", "developer", "user"]);
const MAX_ITEMS = 1000;

/**
 * Whether a value is a chat request of the forms that nearly all are, for which `chatRequestSchema` would answer the very
 * same value: then the schema, which costs several times as much as reading the fields (`bench/micro.ts`), need not be run.
 * `false` says nothing: the schema decides, and words what is wrong.
 */
export function isPlainChatRequest(value: unknown): value is ChatRequest {
  if (!isFields(value)) return false;
  const { messages, stream_options: streamOptions, response_format: responseFormat } = value;
  return (
    typeof value["model"] === "string" &&
    value["model"] !== "" &&
    isListOf(messages, isPlainMessage, 1) &&
    isOptional(value["stream"], isBoolean) &&
    isOptional(streamOptions, isFields) &&
    (!isFields(streamOptions) || isOptional(streamOptions["include_usage"], isBoolean)) &&
    isOptional(value["max_tokens"], isPositiveInteger) &&
    isOptional(value["max_completion_tokens"], isPositiveInteger) &&
    isOptional(value["temperature"], isFinite) &&
    isOptional(value["top_p"], isFinite) &&
    isOptional(value["n"], isPositiveInteger) &&
    isOptional(value["stop"], isStop) &&
    isOptional(value["tools"], isTools) &&
    isOptional(value["tool_choice"], isToolChoice) &&
    isOptional(value["parallel_tool_calls"], isBoolean) &&
    isOptional(responseFormat, isFields) &&
    (!isFields(responseFormat) || isString(responseFormat["type"])) &&
    isOptional(value["reasoning_effort"], isString) &&
    isOptional(value["user"], isString)
  );
}

function isPlainMessage(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { role, content } = value;
  if (ROLES.has(role)) return isString(content) || isListOf(content, isPlainPart, 1);
  if (role === "tool") return isString(content) && isString(value["tool_call_id"]);
  if (role !== "assistant") return false;
  return (
    isOptional(content, isString) &&
    isOptional(value["refusal"], isString) &&
    isOptional(value["reasoning_content"], isString) &&
    isOptional(value["reasoning_signature"], isString) &&
    isOptional(value["tool_calls"], isToolCalls)
  );
}

function isPlainPart(value: unknown): boolean {
  if (!isFields(value)) return false;
  if (value["type"] === "text") return isString(value["text"]);
  if (value["type"] !== "image_url") return false;
  const image = value["image_url"];
  return isFields(image) && isString(image["url"]) && isOptional(image["detail"], isString);
}

function isToolCall(value: unknown): boolean {
  if (!isFields(value) || !isString(value["id"]) || !isString(value["type"])) return false;
  const called = value["function"];
  return isFields(called) && isString(called["name"]) && isString(called["arguments"]);
}

function isTool(value: unknown): boolean {
  if (!isFields(value) || value["type"] !== "function") return false;
  const declared = value["function"];
  return (
    isFields(declared) &&
    isString(declared["name"]) &&
    isOptional(declared["description"], isString) &&
    isOptional(declared["parameters"], isFields) &&
    isOptional(declared["strict"], isBoolean)
  );
}

const isToolCalls = (value: unknown): boolean => isListOf(value, isToolCall, 0);
const isTools = (value: unknown): boolean => isListOf(value, isTool, 0);
const isToolChoice = (value: unknown): boolean => value === "none" || value === "auto" || value === "required";
const isStop = (value: unknown): boolean => isString(value) || isListOf(value, isString, 0);

function isListOf(value: unknown, isElement: (element: unknown) => boolean, minimum: number): boolean {
  if (!Array.isArray(value) || value.length < minimum || value.length > MAX_ITEMS) return false;
  for (const element of value) if (!isElement(element)) return false;
  return true;
}

function isOptional(value: unknown, is: (present: unknown) => boolean): boolean {
  return value === undefined || value === null || is(value);
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isFinite(value: unknown): boolean {
  return Number.isFinite(value);
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
