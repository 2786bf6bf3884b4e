import type { Fields } from "../../openai/fields.ts";
import type { ClaudeContentBlock, ClaudeMessage } from "../../providers/claude/types.ts";
import { TOOL_SERVER } from "./client-tools.ts";

/**
 * What is written to the CLI's standard input, in pieces: each is written when the answer to the one before it has come.
 * The first is the `initialize` request (answered by a `control_response`), the last ends with the prompt (answered by
 * the model); each one between ends with an earlier user turn (answered by a `result` with `num_turns: 0`).
 */
export interface StdinPlan {
  readonly pieces: readonly string[];
  /** Whether the first piece holds settings too, whose acceptance is waited for. */
  readonly hasSettings: boolean;
  /** How many `result` lines come before the answer's. */
  readonly earlierTurns: number;
}

export const INITIALIZE_REQUEST_ID = "codewise-initialize";
export const SETTINGS_REQUEST_ID = "codewise-settings";

/** One conversation as it is written to the CLI. */
export interface StdinInput {
  readonly systemPrompt: string;
  /** The last turn is the user's. */
  readonly messages: readonly ClaudeMessage[];
  readonly hasTools: boolean;
  /** What a process that runs already is told instead of by arguments and environment. */
  readonly settings?: Fields | undefined;
}

/**
 * The lines for a conversation. Earlier user turns carry `shouldQuery: false`; written
 * without waiting they would be queued behind assistant turns, which are taken at once, and the order would be lost.
 */
export function planStdin({ systemPrompt, messages, hasTools, settings }: StdinInput): StdinPlan {
  const initialize = {
    type: "control_request",
    request_id: INITIALIZE_REQUEST_ID,
    request: {
      subtype: "initialize",
      systemPrompt: systemPrompt === "" ? [] : [systemPrompt],
      ...(hasTools ? { sdkMcpServers: [TOOL_SERVER] } : {}),
    },
  };
  const apply = {
    type: "control_request",
    request_id: SETTINGS_REQUEST_ID,
    request: { subtype: "apply_flag_settings", settings },
  };
  const pieces = [`${settings === undefined ? "" : toLine(apply)}${toLine(initialize)}`];
  let piece = "";
  messages.forEach((message, index) => {
    const isLast = index === messages.length - 1;
    piece += toLine(
      message.role === "user" ? userLine(message.content, isLast) : assistantLine(message.content, index),
    );
    if (message.role === "user" || isLast) {
      pieces.push(piece);
      piece = "";
    }
  });
  return { pieces, hasSettings: settings !== undefined, earlierTurns: pieces.length - 2 };
}

/** The line that answers something that the CLI asked of its host. */
export function controlResponseLine(response: Fields): string {
  return toLine({ type: "control_response", response });
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function userLine(content: readonly ClaudeContentBlock[], isLast: boolean): unknown {
  return {
    type: "user",
    message: { role: "user", content: content.map(withoutCommand) },
    // From 2.1.329 on: the text was composed by a program, so `/commands` and `@files` in it mean nothing.
    client_composed: true,
    ...(isLast ? {} : { shouldQuery: false }),
  };
}

/** 2.1.197 makes one message of all that have no id, and moves the results of their tool calls behind it. */
function assistantLine(content: readonly ClaudeContentBlock[], index: number): unknown {
  return { type: "assistant", message: { id: `msg_earlier_${index}`, role: "assistant", content } };
}

/**
 * A text that begins with `/` is run as a command of the CLI's own by versions that do not know `client_composed`. One
 * line break in front of it is the least that stops them, and it changes nothing that the text says.
 */
export function withoutCommand(block: ClaudeContentBlock): ClaudeContentBlock {
  return block.type === "text" && block.text.startsWith("/") ? { type: "text", text: `\n${block.text}` } : block;
}
