import type { ChatHead } from "../../openai/chat.ts";
import type { MemberChange } from "../../openai/chat-body.ts";

/** OpenAI's o-series and gpt-5, by id. Names with a vendor before a slash are other servers' and do not match. */
const COMPLETION_TOKENS_ONLY = /^(o\d|gpt-5)/;

const NONE: Readonly<Record<string, MemberChange>> = {};

/**
 * The change that puts a request's token limit under the name that the model takes: OpenAI's o-series and gpt-5 refuse
 * `max_tokens` (OpenAI API reference, Create chat completion, `max_tokens`), so a lone one becomes
 * `max_completion_tokens`. No change for other models, and for a request with both limits. Pure.
 *
 * @param model The model as it goes upstream.
 */
export function renameTokenLimit(head: ChatHead, model: string): Readonly<Record<string, MemberChange>> {
  const { max_tokens: limit, max_completion_tokens: otherLimit } = head;
  if (limit == null || otherLimit != null || !COMPLETION_TOKENS_ONLY.test(model)) return NONE;
  // Where the other member is there, as null, a rename would make two of it.
  if (otherLimit === null) return { max_tokens: { value: null }, max_completion_tokens: { value: limit } };
  return { max_tokens: { rename: "max_completion_tokens" } };
}
