import type { ChatRequest } from "../../openai/chat.ts";

/** OpenAI's o-series and gpt-5, by id. Names with a vendor before a slash are other servers' and do not match. */
const COMPLETION_TOKENS_ONLY = /^(o\d|gpt-5)/;

/**
 * The request with its token limit under the name that the model takes: OpenAI's o-series and gpt-5 refuse `max_tokens`
 * (OpenAI API reference, Create chat completion, `max_tokens`), so a lone one becomes `max_completion_tokens`. Every
 * other request is returned as it is: one for another model, or with both limits. Pure.
 *
 * @param model The model as it goes upstream.
 */
export function nameTokenLimit(request: ChatRequest, model: string): ChatRequest {
  const { max_tokens: limit, ...rest } = request;
  if (limit == null || request.max_completion_tokens != null || !COMPLETION_TOKENS_ONLY.test(model)) return request;
  return { ...rest, max_completion_tokens: limit };
}
