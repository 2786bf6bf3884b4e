/** The NDJSON lines of the real CLI (2.1.329) for an answer, cut down to what readers of it use. */

const MODELS: Readonly<Record<string, string>> = {
  sonnet: "claude-sonnet-5-5",
  opus: "claude-opus-5-5",
  haiku: "claude-haiku-5-5",
};

export interface AnswerContext {
  /** The value of `--model`. */
  readonly model: string;
  readonly sessionId: string;
  readonly tools: readonly string[];
  readonly version: string;
  readonly cwd: string;
  /** Characters of the last user text; a quarter of it counts as input tokens. */
  readonly promptCharacters: number;
}

export function initLine(context: AnswerContext): unknown {
  return {
    type: "system",
    subtype: "init",
    cwd: context.cwd,
    session_id: context.sessionId,
    tools: context.tools,
    mcp_servers: [],
    model: MODELS[context.model] ?? context.model,
    permissionMode: "default",
    apiKeySource: "none",
    claude_code_version: context.version,
  };
}

/** The `result` of a user line with `shouldQuery: false`. */
export function turnTakenLine(context: AnswerContext): unknown {
  return result(context, "", { input_tokens: 0, output_tokens: 0 }, { num_turns: 0, stop_reason: null });
}

/** Every line of an answer, `init` first and `result` last. Output tokens: one per delta. */
export function answerLines(context: AnswerContext, deltas: readonly string[]): readonly unknown[] {
  const text = deltas.join("");
  const model = MODELS[context.model] ?? context.model;
  const inputTokens = Math.max(1, Math.ceil(context.promptCharacters / 4));
  const started = { input_tokens: inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const usage = { ...started, output_tokens: deltas.length };
  const message = { id: "msg_stand_in", type: "message", role: "assistant", model, stop_reason: null };
  const event = (value: unknown): unknown => ({ type: "stream_event", event: value, session_id: context.sessionId });
  return [
    initLine(context),
    { type: "system", subtype: "status", status: "requesting", session_id: context.sessionId },
    event({ type: "message_start", message: { ...message, content: [], usage: { ...started, output_tokens: 1 } } }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...deltas.map((delta) =>
      event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: delta } }),
    ),
    { type: "assistant", message: { ...message, content: [{ type: "text", text }] }, session_id: context.sessionId },
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage }),
    event({ type: "message_stop" }),
    result(context, text, usage, { num_turns: 1, stop_reason: "end_turn" }),
  ];
}

function result(context: AnswerContext, text: string, usage: unknown, more: Record<string, unknown>): unknown {
  return {
    is_error: false,
    session_id: context.sessionId,
    total_cost_usd: 0,
    usage,
    ...more,
    subtype: "success",
    terminal_reason: "completed",
    result: text,
    type: "result",
  };
}
