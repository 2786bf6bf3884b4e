import { GatewayError } from "../../http/errors.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { resolveClaudeModel } from "../../providers/claude/models.ts";
import { translateRequest } from "../../providers/claude/translate-request.ts";
import type { ClaudeMessage, ClaudeRequestBody } from "../../providers/claude/types.ts";
import { createClientTools, renameToolCalls, renameToolChoice, type ClientTools } from "./client-tools.ts";

/** One request in the terms of the CLI. */
export interface PreparedRequest {
  readonly model: string;
  readonly systemPrompt: string;
  /** Alternating turns; the last one is the user's. */
  readonly messages: readonly ClaudeMessage[];
  /** The client's tools; `undefined` where it has none. */
  readonly tools: ClientTools | undefined;
  /** Fields that the CLI merges into its API request; never `messages`, `system` or `tools`. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  readonly maxOutputTokens: number | undefined;
  /** Tokens for thinking, for the generations that take a budget. */
  readonly thinkingBudget: number | undefined;
  readonly thinkingDisabled: boolean;
  readonly effort: string | undefined;
  readonly droppedParams: readonly string[];
}

/** An id or alias, as vendors and gateways write them (`claude-opus-4-8[1m]`, `us.anthropic.claude-…-v1:0`); never a flag. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]{0,199}$/;

/** Linux takes no argument or environment string of more bytes than this (MAX_ARG_STRLEN, with its name and NUL). */
const MAX_ENVIRONMENT_STRING = 131_000;

/** The least thinking budget of the API; with fewer output tokens the CLI would ask for thinking that leaves no answer. */
const MIN_THINKING_TOKENS = 1024;

/** Never sent: the CLI sets its own limit where the client gave none. */
const UNUSED_DEFAULT_MAX_TOKENS = 32_000;

/**
 * Checks that the CLI can carry a chat request and translates it. What it cannot carry but another provider can is
 * refused with `failover`, so that the gateway may ask the API instead; what no answer depends on is named as dropped.
 *
 * @throws GatewayError 400 with `param`.
 */
export function prepareRequest(request: ChatRequest, model: string): PreparedRequest {
  if (!MODEL_NAME.test(model)) {
    throw new GatewayError("unsupported_value", "The model's name has a form that the CLI does not take.", {
      param: "model",
    });
  }
  const { body, droppedParams } = translateRequest(request, {
    model: resolveClaudeModel(model),
    defaultMaxTokens: UNUSED_DEFAULT_MAX_TOKENS,
  });
  if (body.messages.at(-1)?.role !== "user") {
    throw cannotCarry("messages", "The CLI needs a user or tool message at the end of the conversation.");
  }
  const tools = body.tools === undefined ? undefined : createClientTools(body.tools);
  const messages = body.messages.map(withoutThinking);
  const maxOutputTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined;
  return {
    model,
    systemPrompt: (body.system ?? []).map((block) => block.text).join("\n\n"),
    messages: tools === undefined ? messages : renameToolCalls(messages, tools),
    tools,
    extraBody: toExtraBody(body, tools),
    maxOutputTokens,
    thinkingBudget: readBudget(body),
    thinkingDisabled: isThinkingDisabled(request, body, maxOutputTokens),
    effort: typeof body.output_config?.["effort"] === "string" ? body.output_config["effort"] : undefined,
    droppedParams: [...droppedParams, ...findDropped(request, body)],
  };
}

function cannotCarry(param: string, message: string): GatewayError {
  return new GatewayError("unsupported_parameter", message, { param, failover: true });
}

function toExtraBody(body: ClaudeRequestBody, tools: ClientTools | undefined): Record<string, unknown> {
  const format = body.output_config?.["format"];
  const extraBody = {
    ...(body.temperature === undefined ? {} : { temperature: body.temperature }),
    ...(body.top_p === undefined ? {} : { top_p: body.top_p }),
    ...(body.stop_sequences === undefined ? {} : { stop_sequences: body.stop_sequences }),
    ...(format === undefined ? {} : { output_config: { format } }),
    ...(body.tool_choice === undefined || tools === undefined
      ? {}
      : { tool_choice: renameToolChoice(body.tool_choice, tools) }),
  };
  if (Buffer.byteLength(JSON.stringify(extraBody)) > MAX_ENVIRONMENT_STRING) {
    throw cannotCarry(
      format === undefined ? "stop" : "response_format",
      "The stop sequences, the response format and the tool choice are together too large for the CLI.",
    );
  }
  return extraBody;
}

function readBudget(body: ClaudeRequestBody): number | undefined {
  const budget = body.thinking?.["budget_tokens"];
  return typeof budget === "number" ? budget : undefined;
}

/** The CLI thinks unless told otherwise, which excludes sampling parameters and forced calls, and needs room in the answer's tokens. */
function isThinkingDisabled(
  request: ChatRequest,
  body: ClaudeRequestBody,
  maxOutputTokens: number | undefined,
): boolean {
  if (body.temperature !== undefined || body.top_p !== undefined) return true;
  if (body.tool_choice?.["type"] === "any" || body.tool_choice?.["type"] === "tool") return true;
  if (request.reasoning_effort === "none" || body.thinking?.["type"] === "disabled") return true;
  return maxOutputTokens !== undefined && maxOutputTokens <= MIN_THINKING_TOKENS;
}

function withoutThinking(message: ClaudeMessage): ClaudeMessage {
  if (!message.content.some((block) => block.type === "thinking")) return message;
  return { role: message.role, content: message.content.filter((block) => block.type !== "thinking") };
}

/** What the API would take but the CLI does not: it names its own user and leaves earlier thinking out. */
function findDropped(request: ChatRequest, body: ClaudeRequestBody): readonly string[] {
  const hasThinking = body.messages.some((message) => message.content.some((block) => block.type === "thinking"));
  return [
    ...(body.metadata === undefined ? [] : [typeof request.user === "string" ? "user" : "safety_identifier"]),
    ...(hasThinking ? ["messages[].reasoning_content"] : []),
  ];
}
