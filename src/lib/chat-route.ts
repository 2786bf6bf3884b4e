import type { Env } from "./env.ts";
import type { CallGate } from "./gateway/call-gate.ts";
import { createChatCompletionsHandler, type ChatCompletionsOptions } from "./gateway/chat-completions.ts";
import type { LoopGuard } from "./gateway/loop-guard.ts";
import { BodyBudget } from "./http/body-budget.ts";
import type { HttpHandler } from "./http/context.ts";

export interface ChatRouteParts extends Omit<ChatCompletionsOptions, "gate" | "maxBodyBytes" | "bodies" | "timeouts"> {
  readonly env: Env;
  readonly gate: CallGate;
  readonly loop: LoopGuard;
}

/** The handler of `POST /v1/chat/completions` as a process serves it, alone or as one of several. */
export function createChatRoute({ env, gate, loop, ...parts }: ChatRouteParts): HttpHandler {
  const chatCompletions = createChatCompletionsHandler({
    ...parts,
    gate,
    maxBodyBytes: env.MAX_BODY_BYTES,
    bodies: new BodyBudget(env.BODY_MEMORY_BYTES),
    timeouts: {
      connectMs: env.UPSTREAM_CONNECT_TIMEOUT_MS,
      firstOutputMs: env.FIRST_OUTPUT_TIMEOUT_MS,
      idleMs: env.IDLE_TIMEOUT_MS,
      totalMs: env.REQUEST_TIMEOUT_MS,
    },
  });
  return loop.guard(chatCompletions);
}
