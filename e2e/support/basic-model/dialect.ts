import type { Fields } from "../../../src/lib/openai/fields.ts";
import type { Conversation, OrderedCall } from "./conversation.ts";

/** How one API asks and answers. */
export interface Dialect {
  /** Whether a request is one for an answer of this API. */
  readonly matches: (method: string, path: string) => boolean;
  readonly read: (body: Fields) => Conversation;
  /** The frames of a streamed text: those that carry it, and those that end the answer well. */
  readonly frames: (pieces: readonly string[]) => { readonly text: readonly string[]; readonly end: readonly string[] };
  /** The frames of an answer that calls tools. */
  readonly callFrames: (calls: readonly OrderedCall[]) => readonly string[];
  readonly error: (status: number) => Fields;
  /** What every answer reports as its usage, in the terms of chat completions. */
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}
