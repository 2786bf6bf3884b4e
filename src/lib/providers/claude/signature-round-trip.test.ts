import { expect, it } from "vitest";
import { createCompletionCollector } from "../../openai/collect-completion.ts";
import { translateMessages } from "./translate-messages.ts";
import { createClaudeStreamTranslator } from "./translate-stream.ts";

const thinking = (index: number, text: string, signature: string) => [
  { type: "content_block_start", index, content_block: { type: "thinking", thinking: "", signature: "" } },
  { type: "content_block_delta", index, delta: { type: "thinking_delta", thinking: text } },
  { type: "content_block_delta", index, delta: { type: "signature_delta", signature } },
  { type: "content_block_stop", index },
];

/** The assistant's turn that Anthropic gets back when a client returns what it gathered from a stream. */
function sendBack(...blocks: readonly unknown[][]): unknown {
  const translator = createClaudeStreamTranslator();
  const collector = createCompletionCollector();
  const events = [
    { type: "message_start", message: { model: "m", usage: { input_tokens: 1, output_tokens: 1 } } },
    ...blocks.flat(),
    { type: "content_block_start", index: 9, content_block: { type: "text", text: "Hi" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
    { type: "message_stop" },
  ];
  for (const event of events) for (const delta of translator.push(event)) collector.delta(delta);
  const { message } = collector.completion({ id: "c", created: 1, model: "m", finishReason: "stop" }).choices[0]!;
  const { content, reasoning_content, reasoning_signature } = message;
  return translateMessages([
    { role: "user", content: "Hello" },
    { role: "assistant", content, reasoning_content, reasoning_signature },
    { role: "user", content: "Go on" },
  ]).messages[1];
}

it("a single thinking block comes back to Anthropic word for word, with its own signature", () => {
  expect(sendBack(thinking(0, "hm", "sig"))).toEqual({
    role: "assistant",
    content: [
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "text", text: "Hi" },
    ],
  });
});

it("two thinking blocks come back without thinking, never under a signature that does not hold", () => {
  const turn = sendBack(thinking(0, "a", "s1"), thinking(1, "b", "s2"));
  expect(turn).toEqual({ role: "assistant", content: [{ type: "text", text: "Hi" }] });
});
