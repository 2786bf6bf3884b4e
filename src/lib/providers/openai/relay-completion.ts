import { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { readUsage } from "./read-usage.ts";
import { toFinishReason } from "./relay-chunk.ts";
import { translateOpenAIErrorPayload } from "./translate-error.ts";

const completionSchema = z.looseObject({
  model: z.string().nullish(),
  choices: z.array(z.looseObject({ finish_reason: z.string().min(1) })).min(1),
  usage: z.unknown(),
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
 * @throws GatewayError on an `{"error": …}` body, and `upstream_invalid_response` on one that is not a finished answer.
 */
export function watchCompletion(body: string): WatchedCompletion {
  const reply = parseJson(body);
  if (typeof reply === "object" && reply !== null && "error" in reply && reply.error) {
    throw translateOpenAIErrorPayload(reply);
  }
  const parsed = completionSchema.safeParse(reply);
  const [choice] = parsed.data?.choices ?? [];
  if (!parsed.success || choice === undefined) {
    throw new GatewayError("upstream_invalid_response", "The upstream's answer is not a finished chat completion.");
  }
  return {
    model: parsed.data.model ?? undefined,
    finishReason: toFinishReason(choice.finish_reason),
    usage: readUsage(parsed.data.usage),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
