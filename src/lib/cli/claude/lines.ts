/** The lines of the CLI's output that are acted on, as zod schemas; all other fields and types are ignored. */
import { z } from "zod";

export const initLineSchema = z.looseObject({
  tools: z.array(z.unknown()),
  mcp_servers: z.array(z.unknown()),
});

export const assistantLineSchema = z.looseObject({
  message: z.looseObject({
    id: z.string().nullish(),
    model: z.string(),
    content: z.array(z.looseObject({ type: z.string() })),
  }),
  error: z.string().nullish(),
  api_error_status: z.number().nullish(),
  api_error_type: z.string().nullish(),
  api_error: z.string().nullish(),
});

export const rateLimitLineSchema = z.looseObject({
  rate_limit_info: z.looseObject({
    status: z.string(),
    /** Seconds since the epoch. */
    resetsAt: z.number().nullish(),
  }),
});

export const controlResponseLineSchema = z.looseObject({
  response: z.looseObject({ subtype: z.string(), request_id: z.string() }),
});

export const controlRequestLineSchema = z.looseObject({ request_id: z.string(), request: z.unknown() });

export const resultLineSchema = z.looseObject({
  subtype: z.string().nullish(),
  is_error: z.boolean(),
  result: z.string().nullish(),
  errors: z.array(z.unknown()).nullish(),
  num_turns: z.number().nullish(),
  stop_reason: z.string().nullish(),
  terminal_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  api_error_type: z.string().nullish(),
  api_error: z.string().nullish(),
  usage: z.looseObject({}).nullish(),
  total_cost_usd: z.number().nonnegative().nullish(),
});

export type AssistantLine = z.infer<typeof assistantLineSchema>;
export type RateLimitInfo = z.infer<typeof rateLimitLineSchema>["rate_limit_info"];
export type ResultLine = z.infer<typeof resultLineSchema>;
