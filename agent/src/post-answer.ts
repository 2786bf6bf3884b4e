import { postAnswerSchema, type PostAnswer } from "../../src/lib/agent/types.ts";
import type { HttpAnswer } from "./exchange.ts";
import { parseJson, retryAfterMs } from "./http-client.ts";
import { isPlainAnswer } from "./plain-answer.ts";

/** What became of one POST. */
export type PostResult =
  | { readonly kind: "answered"; readonly answer: PostAnswer }
  /** The proxy will not take these messages, however often they come. */
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterMs?: number | undefined }
  /** The session began or ended meanwhile. */
  | { readonly kind: "interrupted" };

/**
 * Reads the answer to a POST. 404 is an answer too, when every request of the batch is unknown; from a stranger it lacks
 * the answer's shape.
 */
export function readAnswer(answer: HttpAnswer): PostResult {
  const isAnswer = (answer.status >= 200 && answer.status < 300) || answer.status === 404;
  const value = isAnswer ? parseJson(answer.text) : undefined;
  if (isPlainAnswer(value)) return { kind: "answered", answer: value };
  const parsed = isAnswer ? postAnswerSchema.safeParse(value) : undefined;
  if (parsed?.success === true) return { kind: "answered", answer: parsed.data };
  if (answer.status === 400 || answer.status === 413 || answer.status === 422) {
    return { kind: "refused", status: answer.status };
  }
  const reason =
    isAnswer && answer.status !== 404 ? "the answer is not the proxy's" : `the proxy answered ${answer.status}`;
  return { kind: "failed", reason, retryAfterMs: retryAfterMs(answer.headers) };
}
