import type { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { invalidOutput } from "../run-errors.ts";
import * as acp from "./acp.ts";
import { mapStartFailure } from "./map-failure.ts";

export type PromptReply =
  | { readonly type: "result"; readonly result: acp.PromptResult }
  | { readonly type: "error"; readonly error: acp.RpcError };

export type InterpretedStep =
  /** What was written last was taken: the next line may be written. */
  | { readonly type: "next" }
  /** The model works; the idle clock starts anew. */
  | { readonly type: "progress" }
  | { readonly type: "delta"; readonly delta: ChatDelta }
  /** The turn is over; how, the CLI tells in part only. */
  | { readonly type: "reply"; readonly reply: PromptReply };

export interface LineInterpreter {
  /**
   * Takes one line of the CLI's output. Lines after a `reply` must not be given.
   *
   * @throws GatewayError
   */
  push(line: string): readonly InterpretedStep[];
}

export interface InterpreterOptions {
  /** The text that the CLI tells back as the last of the history: `markText` of session-file.ts. */
  readonly markText: string;
  /** Whether the client has tools: without, every sign of a call ends the run. */
  readonly hasTools: boolean;
}

const NOTHING: readonly InterpretedStep[] = [];
const NEXT: readonly InterpretedStep[] = [{ type: "next" }];
const PROGRESS: readonly InterpretedStep[] = [{ type: "progress" }];

/**
 * Reads the lines of one session: `initialize`, `session/load`, `session/set_model`, `session/prompt`, each written when
 * the one before was taken. After a load the CLI tells the history back, without saying when it is done; the prompt waits
 * for the history's mark, so that nothing of it can be taken for the answer. Pure.
 */
export function createLineInterpreter(options: InterpreterOptions): LineInterpreter {
  let isLoaded = false;
  let isMarkSeen = false;
  let isAsked = false;
  let hasThought = false;

  const readAnswer = (kind: string, update: Fields): readonly InterpretedStep[] => {
    switch (kind) {
      case "agent_message_chunk":
        return [{ type: "delta", delta: { content: readText(update) } }];
      case "agent_thought_chunk": {
        // Each chunk is a thought of its own, trimmed by the CLI; one without a subject has an empty one in bold.
        const text = readText(update).replace(/^\*\*\*\*\n/, "");
        const separator = hasThought ? "\n\n" : "";
        hasThought = true;
        return [{ type: "delta", delta: { reasoning_content: separator + text } }];
      }
      case "tool_call":
      case "tool_call_update":
        if (!options.hasTools) throw unexpectedTool();
        return PROGRESS;
      default:
        return NOTHING;
    }
  };

  const readUpdate = (params: unknown): readonly InterpretedStep[] => {
    const { update } = parse(acp.updateParamsSchema, params);
    if (isAsked) return readAnswer(update.sessionUpdate, update);
    if (update.sessionUpdate === "user_message_chunk" && readText(update) === options.markText) {
      isMarkSeen = true;
      return isLoaded ? NEXT : NOTHING;
    }
    return NOTHING;
  };

  const readReply = (id: unknown, message: Fields): readonly InterpretedStep[] => {
    const error = message["error"] === undefined ? undefined : parse(acp.rpcErrorSchema, message["error"]);
    if (id === acp.PROMPT_ID) {
      if (error !== undefined) return [{ type: "reply", reply: { type: "error", error } }];
      const result = parse(acp.promptResultSchema, message["result"]);
      return [{ type: "reply", reply: { type: "result", result } }];
    }
    if (error !== undefined) throw mapStartFailure(error);
    if (id === acp.INITIALIZE_ID) return NEXT;
    if (id === acp.LOAD_ID) {
      isLoaded = true;
      return isMarkSeen ? NEXT : NOTHING;
    }
    if (id !== acp.MODEL_ID) return NOTHING;
    isAsked = true;
    return NEXT;
  };

  return {
    push(text) {
      if (text.trim() === "") return NOTHING;
      const message = parseLine(text);
      if (message["method"] === "session/update") return readUpdate(message["params"]);
      // A request of the CLI: for a permission, a file or a terminal.
      if (message["method"] !== undefined && message["id"] !== undefined) throw unexpectedTool();
      return message["method"] === undefined ? readReply(message["id"], message) : NOTHING;
    },
  };
}

function readText(update: Fields): string {
  return parse(acp.textContentSchema, update["content"]).text;
}

function parseLine(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidOutput("a line is not JSON");
  }
  if (isFields(value)) return value;
  throw invalidOutput("a line is no JSON object");
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidOutput("a line lacks what it promises");
}

function unexpectedTool(): GatewayError {
  return new GatewayError("cli_unexpected_tool", "The CLI wanted to use a tool of its own.");
}
