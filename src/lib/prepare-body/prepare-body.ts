import type { MaybePromise } from "../maybe-promise.ts";
import type { ChatBody } from "../openai/chat-body.ts";
import { renderRequest } from "../providers/claude/render-request.ts";

/** What a target that does not take the client's bytes as they are wants of a chat request. */
export type BodyForm =
  /** Translated for the Messages API; `model` as that API knows it. */
  | { readonly type: "messages-api"; readonly model: string; readonly stream: boolean }
  /** The client's own bytes, checked, with the model's name as the target knows it. */
  | { readonly type: "checked"; readonly model: string };

export interface PreparedBody {
  /** JSON in UTF-8. */
  readonly bytes: Buffer;
  /** Names of request fields that the target cannot honour. */
  readonly droppedParams: readonly string[];
}

/** Makes of a chat request what goes to a target. */
export interface BodyPreparer {
  /**
   * Throws GatewayError 400, or rejects with it, where the request is not valid or cannot be carried; on abort, with the
   * signal's reason.
   */
  prepare(body: ChatBody, form: BodyForm, signal: AbortSignal): MaybePromise<PreparedBody>;
}

/**
 * {@link BodyPreparer.prepare} at once, on the thread that calls it: about 8 ms for each megabyte. Pure, so that every
 * thread answers the same.
 */
export function prepareBody(body: ChatBody, form: BodyForm): PreparedBody {
  if (form.type === "messages-api") {
    const { text, droppedParams } = renderRequest(body.request(), form);
    return { bytes: Buffer.from(text), droppedParams };
  }
  body.request();
  return { bytes: body.withMembers({ model: { value: form.model } }), droppedParams: [] };
}

/** Prepares whatever size on the calling thread. */
export const ON_THIS_THREAD: BodyPreparer = { prepare: prepareBody };
