import { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { readUsage } from "./read-usage.ts";
import { toFinishReason } from "./relay-chunk.ts";
import { translateOpenAIErrorPayload } from "./translate-error.ts";

const completionSchema = z.looseObject({
  model: z.string().nullish(),
  choices: z.array(z.looseObject({ finish_reason: z.string().min(1) })).min(1),
});

export interface WatchedCompletion {
  /** As the upstream names it. */
  readonly model: string | undefined;
  /** Of the first choice. */
  readonly finishReason: FinishReason;
  readonly usage: Usage | undefined;
}

/**
 * Reads what the gateway needs of a `chat.completion` whose own text is relayed.
 *
 * @param choices How many choices the client asked for.
 * @throws GatewayError on an `{"error": …}` body, `upstream_invalid_response` on one that is not a finished answer, and
 * `upstream_incomplete` on one with fewer choices than were asked for; with the tokens it was counted at.
 */
export function watchCompletion(body: string, choices: number): WatchedCompletion {
  const reply = parseJson(body);
  if (typeof reply === "object" && reply !== null && "error" in reply && reply.error) {
    throw translateOpenAIErrorPayload(reply);
  }
  const usage = readUsage(typeof reply === "object" && reply !== null && "usage" in reply ? reply.usage : undefined);
  const parsed = completionSchema.safeParse(reply);
  const [choice] = parsed.data?.choices ?? [];
  if (!parsed.success || choice === undefined) {
    const message = "The upstream's answer is not a finished chat completion.";
    throw new GatewayError("upstream_invalid_response", message, { usage });
  }
  if (parsed.data.choices.length < choices) {
    const message = "The upstream's answer has fewer choices than were asked for.";
    throw new GatewayError("upstream_incomplete", message, { usage });
  }
  return { model: parsed.data.model ?? undefined, finishReason: toFinishReason(choice.finish_reason), usage };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
