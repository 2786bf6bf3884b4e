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
 * @throws GatewayError on an `{"error": …}` body, and `upstream_invalid_response` on one that is not a finished answer.
 */
export function watchCompletion(body: Buffer): WatchedCompletion {
  const reply = parseJson(body);
  if (isFields(reply) && reply["error"]) throw translateOpenAIErrorPayload(reply);
  const reason = isFields(reply) ? readFinishReason(reply["choices"]) : undefined;
  if (!isFields(reply) || reason === undefined) {
    throw new GatewayError("upstream_invalid_response", "The upstream's answer is not a finished chat completion.");
  }
  const { model, usage } = reply;
  return {
    model: typeof model === "string" ? model : undefined,
    finishReason: toFinishReason(reason),
    usage: readUsage(usage),
  };
}

/** The first choice's finish reason, where every choice has one. */
function readFinishReason(choices: unknown): string | undefined {
  if (!Array.isArray(choices)) return undefined;
  const reasons = choices.map((choice: unknown) => (isFields(choice) ? choice["finish_reason"] : undefined));
  const [first] = reasons;
  return typeof first === "string" && reasons.every((reason) => typeof reason === "string" && reason !== "")
    ? first
    : undefined;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
