import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "./plan.ts";

type Tell = (promptTokens: number, completionTokens: number) => void;

const BETWEEN_PIECES_MS = 2;
/** Pace of an answer that waits for its client to leave. */
const ENDLESS_MS = 20;

/** Plays a plan as the OpenAI API would. */
export async function answerAsOpenAI(plan: Plan, response: ServerResponse, tell: Tell): Promise<void> {
  const { promptTokens, completionTokens } = plan;
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const envelope = { id: `chatcmpl-${plan.id}`, created: 1, model: "gpt-soak" };
  if (plan.ending === "status") return answerFailure(response);
  if (!plan.stream) {
    if (plan.ending === "reset") return void response.destroy();
    if (plan.ending !== "complete") return;
    const message = { role: "assistant", content: "soak", refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
    tell(promptTokens, completionTokens);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...envelope, object: "chat.completion", choices, usage }));
    return;
  }
  const write = (value: object): void => {
    response.write(`data: ${JSON.stringify({ ...envelope, object: "chat.completion.chunk", ...value })}\n\n`);
  };
  const piece = (): void => write({ choices: [{ index: 0, delta: { content: "soak " }, finish_reason: null }] });
  response.setHeader("content-type", "text/event-stream");
  piece();
  // Some servers tell usage while they stream; what is told before a fault was used all the same.
  if (plan.ending === "leave-told" || (plan.ending !== "complete" && plan.ending !== "leave" && plan.id % 2 === 0)) {
    write({ choices: [], usage });
    tell(promptTokens, completionTokens);
  }
  for (let count = 1; count < plan.pieces; count += 1) {
    await sleep(BETWEEN_PIECES_MS);
    piece();
  }
  if (plan.ending === "leave" || plan.ending === "leave-told") return await playEndlessly(response, piece);
  if (await endWithFault(plan, response, `data: {"error":{"message":"soak","type":"server_error","code":null}}\n\n`))
    return;
  write({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  write({ choices: [], usage });
  tell(promptTokens, completionTokens);
  response.end("data: [DONE]\n\n");
}

export function answerFailure(response: ServerResponse): void {
  response.statusCode = 500;
  response.setHeader("content-type", "application/json");
  response.end('{"error":{"message":"soak","type":"server_error","param":null,"code":null}}');
}

/** Goes on until the peer closes. */
export async function playEndlessly(response: ServerResponse, piece: () => void): Promise<void> {
  while (!response.destroyed) {
    piece();
    await sleep(ENDLESS_MS);
  }
}

/** Ends an answer in the middle where the plan says so. */
export async function endWithFault(plan: Plan, response: ServerResponse, errorFrame: string): Promise<boolean> {
  if (plan.ending === "complete") return false;
  // What was told before must have arrived: a reset may overtake it.
  await sleep(50);
  if (plan.ending === "reset") response.destroy();
  else response.end(plan.ending === "error-frame" ? errorFrame : "");
  return true;
}
