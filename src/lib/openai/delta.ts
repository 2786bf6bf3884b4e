import { z } from "zod";

/**
 * One step of an answer: the `choices[0].delta` of a `chat.completion.chunk`. It is the hub's event type: every
 * translator produces it, the agent's wire carries it, and the gateway wraps it into chunks.
 */
export const chatDeltaSchema = z.looseObject({
  content: z.string().nullish(),
  /** Thinking text, as DeepSeek, vLLM and LiteLLM name it. */
  reasoning_content: z.string().nullish(),
  /** Anthropic's signature over the thinking block just ended; it must come back for multi-turn thinking with tools. */
  reasoning_signature: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z
    .array(
      z.looseObject({
        index: z.int().nonnegative(),
        /** `id`, `type` and `function.name` on the first delta of a call only. */
        id: z.string().optional(),
        type: z.literal("function").optional(),
        function: z.looseObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

export type ChatDelta = z.infer<typeof chatDeltaSchema>;
