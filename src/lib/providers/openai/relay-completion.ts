import { isFields } from "../../openai/fields.ts";
import { GatewayError } from "../../http/errors.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { readUsage } from "./read-usage.ts";
import { toFinishReason } from "./relay-chunk.ts";
import { translateOpenAIErrorPayload } from "./translate-error.ts";

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
export function watchCompletion(body: Buffer, choices: number): WatchedCompletion {
  const reply = parseJson(body);
  if (isFields(reply) && reply["error"]) throw translateOpenAIErrorPayload(reply);
  const usage = isFields(reply) ? readUsage(reply["usage"]) : undefined;
  const reasons = isFields(reply) ? readFinishReasons(reply["choices"]) : [];
  const [reason] = reasons;
  if (!isFields(reply) || reason === undefined) {
    const message = "The upstream's answer is not a finished chat completion.";
    throw new GatewayError("upstream_invalid_response", message, { usage });
  }
  if (reasons.length < choices) {
    throw fewerChoices(usage);
  }
  const { model } = reply;
  return { model: typeof model === "string" ? model : undefined, finishReason: toFinishReason(reason), usage };
}

/** An upstream that does not know `n`, or knows it better: it is well, but the answer is not what was asked for. */
export function fewerChoices(usage: Usage | undefined): GatewayError {
  const message = "The upstream's answer has fewer choices than were asked for.";
  return new GatewayError("upstream_incomplete", message, { param: "n", usage });
}

/** The finish reason of each choice; empty where one has none. */
function readFinishReasons(choices: unknown): readonly string[] {
  if (!Array.isArray(choices)) return [];
  const reasons: string[] = [];
  for (const choice of choices) {
    const reason: unknown = isFields(choice) ? choice["finish_reason"] : undefined;
    if (typeof reason !== "string" || reason === "") return [];
    reasons.push(reason);
  }
  return reasons;
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
