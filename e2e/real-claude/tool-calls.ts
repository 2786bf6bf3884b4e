import { anthropicFrames, FAKE_ANTHROPIC_USAGE } from "../../src/test/fake-anthropic-server.ts";
import type { ScriptedReply } from "../../src/test/fake-scripted-server.ts";

export interface ModelCall {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A streamed message of the model that calls tools; `delayMs` before its end lets the CLI act on the calls. */
export function calling(calls: readonly ModelCall[], text = "", delayMs = 0, stopReason = "tool_use"): ScriptedReply {
  const usage = { ...FAKE_ANTHROPIC_USAGE, output_tokens: 1 };
  const message = { id: "msg_t", type: "message", role: "assistant", model: "claude-opus-5-5", content: [], usage };
  const blocks = calls.flatMap(({ id, name, input }, position) => {
    const index = position + (text === "" ? 0 : 1);
    const json = JSON.stringify(input);
    const part = (partial_json: string) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json },
    });
    return [
      { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
      part(json.slice(0, 3)),
      part(json.slice(3)),
      { type: "content_block_stop", index },
    ];
  });
  const words = [
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index: 0 },
  ];
  const frames = anthropicFrames([
    { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } },
    ...(text === "" ? [] : words),
    ...blocks,
    { type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 50 } },
    { type: "message_stop" },
  ]);
  return { steps: [...frames.slice(0, -2), ...(delayMs > 0 ? [{ delayMs }] : []), ...frames.slice(-2)] };
}
