import type { ChatDelta } from "./delta.ts";
import type { FinishReason, Usage } from "./usage.ts";

export interface ChunkEncoderOptions {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
  /** The client's `stream_options.include_usage`: then every chunk carries `usage`, `null` but for the last. */
  readonly includeUsage: boolean;
}

/** Makes `chat.completion.chunk` JSON texts that share id, created and model (CreateChatCompletionStreamResponse). */
export interface ChunkEncoder {
  /** The first delta: `{"role":"assistant","content":"","refusal":null}`. */
  role(): string;
  delta(delta: ChatDelta): string;
  finish(reason: FinishReason): string;
  /** The extra chunk with empty choices; only to be sent when the client asked for it. */
  usage(usage: Usage): string;
}

export function createChunkEncoder(options: ChunkEncoderOptions): ChunkEncoder {
  // The envelope is the same for every chunk of a stream: it is serialised once.
  const head = `{"id":${JSON.stringify(options.id)},"object":"chat.completion.chunk","created":${options.created},"model":${JSON.stringify(options.model)},"choices":[`;
  const tail = options.includeUsage ? `],"usage":null}` : `]}`;
  const choice = (delta: string, finishReason: string): string =>
    `${head}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}}${tail}`;
  return {
    role: () => choice(`{"role":"assistant","content":"","refusal":null}`, "null"),
    delta: (delta) => choice(JSON.stringify(delta), "null"),
    finish: (reason) => choice("{}", JSON.stringify(reason)),
    usage: (usage) => `${head}],"usage":${JSON.stringify(usage)}}`,
  };
}
