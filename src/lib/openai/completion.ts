import type { FinishReason, Usage } from "./usage.ts";

/** `chat.completion` as the gateway builds it for translated providers. Relayed upstreams may carry more fields. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly CompletionChoice[];
  readonly usage?: Usage;
}

export interface CompletionChoice {
  readonly index: number;
  readonly message: CompletionMessage;
  readonly logprobs: null;
  readonly finish_reason: FinishReason;
}

export interface CompletionMessage {
  readonly role: "assistant";
  /** `null` when the answer is tool calls only. */
  readonly content: string | null;
  readonly refusal: string | null;
  readonly reasoning_content?: string;
  readonly reasoning_signature?: string;
  readonly tool_calls?: readonly CompletionToolCall[];
}

export interface CompletionToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}
