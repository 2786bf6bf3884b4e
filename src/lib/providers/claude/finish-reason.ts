import type { FinishReason } from "../../openai/usage.ts";

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map(
  Object.entries<FinishReason>({
    end_turn: "stop",
    stop_sequence: "stop",
    pause_turn: "stop",
    max_tokens: "length",
    model_context_window_exceeded: "length",
    tool_use: "tool_calls",
    refusal: "content_filter",
  }),
);

/**
 * OpenAI's finish reason for Anthropic's `stop_reason` (platform.claude.com/docs, Handling stop reasons). One that is
 * not known yet is `stop`. `tool_calls` whenever calls were made and the model ended by itself, since OpenAI clients
 * decide by it whether to run the calls.
 */
export function toFinishReason(stopReason: string, hasToolCalls: boolean): FinishReason {
  const finishReason = FINISH_REASONS.get(stopReason) ?? "stop";
  return finishReason === "stop" && hasToolCalls ? "tool_calls" : finishReason;
}
