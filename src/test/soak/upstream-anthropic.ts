import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "./plan.ts";
import { answerFailure, endWithFault, playEndlessly } from "./upstream-openai.ts";

/** Plays a plan as the Messages API would: it tells the input at the start and the output at the end. */
export async function answerAsAnthropic(
  plan: Plan,
  response: ServerResponse,
  tell: (promptTokens: number, completionTokens: number) => void,
): Promise<void> {
  const { promptTokens, completionTokens } = plan;
  const message = { id: "msg_soak", type: "message", role: "assistant", model: "claude-soak", stop_sequence: null };
  if (plan.ending === "status") return answerFailure(response);
  if (!plan.stream) {
    if (plan.ending === "reset") return void response.destroy();
    if (plan.ending !== "complete") return;
    tell(promptTokens, completionTokens);
    response.setHeader("content-type", "application/json");
    const usage = { input_tokens: promptTokens, output_tokens: completionTokens };
    const content = [{ type: "text", text: "soak" }];
    response.end(JSON.stringify({ ...message, content, stop_reason: "end_turn", usage }));
    return;
  }
  const write = (event: { readonly type: string; readonly [field: string]: unknown }): void => {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  const piece = (): void =>
    write({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "soak " } });
  response.setHeader("content-type", "text/event-stream");
  const usage = { input_tokens: promptTokens, output_tokens: 1 };
  write({ type: "message_start", message: { ...message, content: [], stop_reason: null, usage } });
  tell(promptTokens, 1);
  write({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
  for (let count = 0; count < plan.pieces; count += 1) {
    piece();
    await sleep(2);
  }
  if (plan.ending === "leave" || plan.ending === "leave-told") return await playEndlessly(response, piece);
  const error = { type: "error", error: { type: "api_error", message: "soak" } };
  if (await endWithFault(plan, response, `event: error\ndata: ${JSON.stringify(error)}\n\n`)) return;
  write({ type: "content_block_stop", index: 0 });
  write({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: completionTokens } });
  tell(promptTokens, completionTokens);
  write({ type: "message_stop" });
  response.end();
}
