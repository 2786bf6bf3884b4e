import { createReadStream } from "node:fs";
import { z } from "zod";
import { createLineSplitter } from "../line-splitter.ts";

/** What the CLI (0.61.0) writes into its telemetry file about one turn, as far as it is used here. */
export interface Telemetry {
  /** Answers of models, in order: beside the conversation's own those of a router, where the CLI chooses the model. */
  readonly responses: readonly z.infer<typeof responseSchema>[];
  /** Requests that failed, in order. */
  readonly errors: readonly z.infer<typeof errorSchema>[];
  /** Why the CLI took an answer for none, such as `NO_FINISH_REASON`. */
  readonly invalidStream: string | undefined;
  /** Calls of tools, in order. */
  readonly toolCalls: readonly z.infer<typeof toolCallSchema>[];
}

const count = z.int().nonnegative().nullish();

const responseSchema = z.looseObject({
  "event.name": z.literal("gemini_cli.api_response"),
  model: z.string(),
  input_token_count: count,
  output_token_count: count,
  cached_content_token_count: count,
  thoughts_token_count: count,
  tool_token_count: count,
  /** One for each piece of the answer, `stop` for those before the last. */
  finish_reasons: z.array(z.string()).nullish(),
  role: z.string().nullish(),
});
const errorSchema = z.looseObject({
  "event.name": z.literal("gemini_cli.api_error"),
  status_code: z.union([z.number(), z.string()]).nullish(),
  role: z.string().nullish(),
});
const invalidStreamSchema = z.looseObject({
  "event.name": z.literal("gemini_cli.chat.content_retry_failure"),
  final_error_type: z.string(),
});
const toolCallSchema = z.looseObject({
  "event.name": z.literal("gemini_cli.tool_call"),
  function_name: z.string(),
  function_args: z.string().nullish(),
});

const recordSchema = z.looseObject({
  attributes: z.discriminatedUnion("event.name", [responseSchema, errorSchema, invalidStreamSchema, toolCallSchema]),
});

const WANTED = /^\s+"event\.name": "gemini_cli\.(?:api_response|api_error|tool_call|chat\.content_retry_failure)"/;
/** Room for the arguments of calls and, beside them, a whole conversation several times. */
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * Reads the file: JSON objects of many lines each, of which only a few are parsed. What is not understood is left out: the
 * reader of the result sees to it that nothing needed is missing. Rejects where there is no file.
 */
export async function readTelemetry(path: string): Promise<Telemetry> {
  const responses: z.infer<typeof responseSchema>[] = [];
  const errors: z.infer<typeof errorSchema>[] = [];
  const toolCalls: z.infer<typeof toolCallSchema>[] = [];
  let invalidStream: string | undefined;

  const take = (text: string): void => {
    const parsed = recordSchema.safeParse(parseJson(text));
    if (!parsed.success) return;
    const { attributes } = parsed.data;
    switch (attributes["event.name"]) {
      case "gemini_cli.api_response":
        responses.push(attributes);
        return;
      case "gemini_cli.api_error":
        errors.push(attributes);
        return;
      case "gemini_cli.tool_call":
        toolCalls.push(attributes);
        return;
      case "gemini_cli.chat.content_retry_failure":
        invalidStream = attributes.final_error_type;
        return;
    }
  };

  const splitter = createLineSplitter();
  let lines: string[] = [];
  let isWanted = false;
  for await (const bytes of createReadStream(path, { end: MAX_BYTES })) {
    for (const line of splitter.push(bytes as Buffer)) {
      if (line === "{") {
        lines = [];
        isWanted = false;
      }
      lines.push(line);
      isWanted ||= WANTED.test(line);
      if (line === "}" && isWanted) take(lines.join("\n"));
    }
  }
  return { responses, errors, invalidStream, toolCalls };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
