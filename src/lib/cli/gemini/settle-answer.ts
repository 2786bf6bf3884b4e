import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { isFields } from "../../openai/fields.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import type { ClientTools } from "./client-tools.ts";
import type { PromptReply } from "./interpret-lines.ts";
import { mapFailure } from "./map-failure.ts";
import type { Telemetry } from "./read-telemetry.ts";

export interface SettledAnswer {
  readonly finishReason: FinishReason;
  /** The model that answered; `undefined` where the CLI did not tell. */
  readonly model: string | undefined;
  readonly usage: Usage | undefined;
  /** The calls of the client's tools, which the CLI tells at the end only. */
  readonly deltas: readonly ChatDelta[];
}

export interface SettleOptions {
  readonly reply: PromptReply;
  /** `undefined` where the CLI left none. */
  readonly telemetry: Telemetry | undefined;
  readonly tools: ClientTools | undefined;
  readonly createId: () => string;
}

/** What the CLI takes for an answer that is none, where it is the model's honest end all the same. */
const INVALID_STREAM_ENDS: Readonly<Record<string, FinishReason>> = {
  MAX_TOKENS_EXCEEDED: "length",
  SAFETY_BLOCKED: "content_filter",
  RECITATION_BLOCKED: "content_filter",
};
/** An empty answer, with a finish reason. */
const EMPTY_ANSWERS: ReadonlySet<string> = new Set(["NO_RESPONSE_TEXT", "THINKING_ONLY_RESPONSE"]);

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  content_filter: "content_filter",
};

/**
 * How a turn ended. The reply's `stopReason` is `end_turn` for nearly everything, a cut or refused answer and a stream
 * that broke off quietly included; the telemetry tells them apart, so without it there is no honest end. Pure.
 *
 * @throws GatewayError, with the usage where it is known
 */
export function settleAnswer({ reply, telemetry, tools, createId }: SettleOptions): SettledAnswer {
  const usage = sumUsage(telemetry);
  if (reply.type === "error") throw mapFailure(reply.error, telemetry?.errors.at(-1), usage);
  const fail = (
    code: "cli_no_result" | "cli_crashed" | "upstream_incomplete" | "upstream_invalid_response",
    message: string,
  ): never => {
    throw new GatewayError(code, message, { usage });
  };
  const main = telemetry?.responses.findLast((response) => (response.role ?? "main") === "main");
  const end = (finishReason: FinishReason, deltas: readonly ChatDelta[] = []): SettledAnswer => ({
    finishReason,
    model: main?.model,
    usage,
    deltas,
  });
  switch (reply.result.stopReason) {
    case "max_tokens":
      // The CLI's own estimate, before anything was sent.
      throw new GatewayError("context_length_exceeded", "The prompt is too long for this model's context window.");
    case "refusal":
      return end("content_filter");
    case "cancelled":
      return fail("cli_crashed", "The CLI was interrupted before the answer was whole.");
    case "max_turn_requests":
      return end("tool_calls", readCalls(telemetry, tools, createId, usage));
    case "end_turn":
      break;
    default:
      return fail("cli_no_result", "The CLI ended its turn for a reason that is not known.");
  }
  const invalid = telemetry?.invalidStream;
  if (invalid !== undefined && !EMPTY_ANSWERS.has(invalid)) {
    const finishReason = INVALID_STREAM_ENDS[invalid];
    if (finishReason !== undefined) return end(finishReason);
    return invalid.endsWith("TOOL_CALL") || invalid.endsWith("FUNCTION_CALL")
      ? fail("upstream_invalid_response", "The model made a call that is none.")
      : fail("upstream_incomplete", "The model's answer ended before it was whole.");
  }
  const told = main?.finish_reasons?.at(-1);
  const finishReason = told === undefined ? undefined : FINISH_REASONS[told];
  if (finishReason !== undefined) return end(finishReason);
  return told === undefined
    ? fail("cli_no_result", "The CLI did not tell how the answer ended.")
    : fail("upstream_incomplete", "The model's answer ended before it was whole.");
}

function readCalls(
  telemetry: Telemetry | undefined,
  tools: ClientTools | undefined,
  createId: () => string,
  usage: Usage | undefined,
): readonly ChatDelta[] {
  const calls = (telemetry?.toolCalls ?? []).map((call) => {
    const own = tools?.toClient(call.function_name, parseArguments(call.function_args ?? "{}"));
    if (own !== undefined) return own;
    throw new GatewayError("cli_unexpected_tool", "The model called a tool that it was not given.", { usage });
  });
  if (calls.length === 0) throw new GatewayError("cli_no_result", "The CLI did not tell the model's calls.", { usage });
  return calls.map((call, index) => ({
    tool_calls: [{ index, id: createId(), type: "function", function: call }],
  }));
}

function parseArguments(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
  } catch {
    // Fails below.
  }
  throw new GatewayError("cli_output_invalid", "The CLI told a call's arguments in a form that is no JSON object.");
}

/** Of all models that were asked: also of the router's, where the CLI chooses the model. */
function sumUsage(telemetry: Telemetry | undefined): Usage | undefined {
  let prompt = 0;
  let answer = 0;
  let cached = 0;
  let thoughts = 0;
  for (const response of telemetry?.responses ?? []) {
    prompt += (response.input_token_count ?? 0) + (response.tool_token_count ?? 0);
    answer += (response.output_token_count ?? 0) + (response.thoughts_token_count ?? 0);
    cached += response.cached_content_token_count ?? 0;
    thoughts += response.thoughts_token_count ?? 0;
  }
  if (prompt === 0 && answer === 0) return undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: answer,
    total_tokens: prompt + answer,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: thoughts },
  };
}
