import { z } from "zod";
import { boundedList } from "./bounded-list.ts";

/**
 * `CreateChatCompletionRequest` as the gateway reads it (openai/openai-openapi). Objects are loose: what is not
 * named here is kept and reaches OpenAI-type upstreams untouched. Types are checked for what the gateway or a
 * translator reads; ranges are the upstream's business.
 */

export const textPartSchema = z.looseObject({ type: z.literal("text"), text: z.string() });
export const imagePartSchema = z.looseObject({
  type: z.literal("image_url"),
  image_url: z.looseObject({ url: z.string(), detail: z.string().nullish() }),
});
/** A known type with other fields than its own is an error, not another type. */
const otherType = (known: readonly string[]) =>
  z.string().refine((type) => !known.includes(type), { error: "the fields do not fit the type", abort: true });
const otherPartSchema = z.looseObject({ type: otherType(["text", "image_url"]) });

export const contentPartSchema = z.union([textPartSchema, imagePartSchema, otherPartSchema]);
/** Most elements of the lists in a request. */
const MAX_MESSAGES = 100_000;
const MAX_PARTS = 10_000;
const MAX_TOOLS = 10_000;
const MAX_STOPS = 1000;

const contentSchema = z.union([z.string(), boundedList(contentPartSchema, { min: 1, max: MAX_PARTS })]);

export const toolCallSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});

const systemMessageSchema = z.looseObject({ role: z.enum(["system", "developer"]), content: contentSchema });
const userMessageSchema = z.looseObject({ role: z.literal("user"), content: contentSchema });
const assistantMessageSchema = z.looseObject({
  role: z.literal("assistant"),
  content: contentSchema.nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_signature: z.string().nullish(),
  tool_calls: boundedList(toolCallSchema, { max: MAX_TOOLS }).nullish(),
});
const toolMessageSchema = z.looseObject({ role: z.literal("tool"), content: contentSchema, tool_call_id: z.string() });
const functionMessageSchema = z.looseObject({
  role: z.literal("function"),
  name: z.string(),
  content: z.string().nullish(),
});

export const messageSchema = z.discriminatedUnion("role", [
  systemMessageSchema,
  userMessageSchema,
  assistantMessageSchema,
  toolMessageSchema,
  functionMessageSchema,
]);

const functionToolSchema = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});
export const toolSchema = z.union([functionToolSchema, z.looseObject({ type: otherType(["function"]) })]);

export const toolChoiceSchema = z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]);

/** The members that the gateway itself reads, whatever the target. */
export const chatHeadSchema = z.object({
  model: z.string().min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().positive().nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
});

export const chatRequestSchema = z.looseObject({
  ...chatHeadSchema.shape,
  messages: boundedList(messageSchema, { min: 1, max: MAX_MESSAGES }),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  stop: z.union([z.string(), boundedList(z.string(), { max: MAX_STOPS })]).nullish(),
  tools: boundedList(toolSchema, { max: MAX_TOOLS }).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
  reasoning_effort: z.string().nullish(),
  user: z.string().nullish(),
});

export type ContentPart = z.infer<typeof contentPartSchema>;
export type ChatMessage = z.infer<typeof messageSchema>;
export type ChatTool = z.infer<typeof toolSchema>;
export type ChatHead = z.infer<typeof chatHeadSchema>;
export type ChatRequest = z.infer<typeof chatRequestSchema>;
