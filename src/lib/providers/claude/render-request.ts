import type { ChatRequest } from "../../openai/chat.ts";
import { claudeModelTraits } from "./models.ts";
import { translateRequest } from "./translate-request.ts";

export interface RenderRequestOptions {
  /** The model's id as the Messages API knows it. */
  readonly model: string;
  readonly stream: boolean;
}

export interface RenderedRequest {
  /** The body of `POST /v1/messages` as JSON text. */
  readonly text: string;
  /** As `TranslatedRequest` has them. */
  readonly droppedParams: readonly string[];
}

/** A chat request as the text of a Messages API request. Throws GatewayError 400 on what cannot be carried. */
export function renderRequest(request: ChatRequest, { model, stream }: RenderRequestOptions): RenderedRequest {
  const { defaultMaxTokens } = claudeModelTraits(model);
  const { body, droppedParams } = translateRequest(request, { model, defaultMaxTokens });
  return { text: JSON.stringify({ ...body, stream }), droppedParams };
}
