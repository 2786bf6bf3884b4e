import type { ClaudeMessage } from "../../providers/claude/types.ts";
import { withoutCommand } from "./stdin-lines.ts";

/** Turns given over stdin cost 10–20 ms each, so a longer conversation goes by a session file that is read at once. */
const MAX_STDIN_MESSAGES = 30;

export interface SplitConversation {
  /** For the session file; empty when all go over stdin. */
  readonly resumed: readonly ClaudeMessage[];
  /** For stdin; never empty. */
  readonly live: readonly ClaudeMessage[];
}

/**
 * Cuts a conversation behind its last assistant turn that is all text: after a file that ends with a tool call or a
 * user turn, the CLI would put in words of its own. Where there is no such turn, all goes over stdin.
 */
export function splitConversation(messages: readonly ClaudeMessage[]): SplitConversation {
  if (messages.length <= MAX_STDIN_MESSAGES) return { resumed: [], live: messages };
  const isTextTurn = (message: ClaudeMessage): boolean =>
    message.role === "assistant" &&
    message.content.length > 0 &&
    message.content.every((block) => block.type === "text");
  const cut = messages.slice(0, -1).findLastIndex(isTextTurn) + 1;
  return { resumed: messages.slice(0, cut), live: messages.slice(cut) };
}

export interface SessionIdentity {
  readonly sessionId: string;
  readonly workDirectory: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly model: string;
  /** Gives a new uuid at each call. */
  readonly createId: () => string;
}

/** The text of a session file for `--resume`: the fields that the CLI was seen to need, one line per turn. */
export function renderResumeFile(messages: readonly ClaudeMessage[], identity: SessionIdentity): string {
  let parentUuid: string | null = null;
  let text = "";
  for (const message of messages) {
    const uuid = identity.createId();
    const line = {
      parentUuid,
      isSidechain: false,
      type: message.role,
      message: message.role === "user" ? userMessage(message) : assistantMessage(message, identity),
      uuid,
      timestamp: identity.timestamp,
      sessionId: identity.sessionId,
      cwd: identity.workDirectory,
    };
    text += `${JSON.stringify(line)}\n`;
    parentUuid = uuid;
  }
  return text;
}

function userMessage(message: ClaudeMessage): unknown {
  return { role: "user", content: message.content.map(withoutCommand) };
}

function assistantMessage(message: ClaudeMessage, identity: SessionIdentity): unknown {
  const callsTool = message.content.some((block) => block.type === "tool_use");
  return {
    id: `msg_${identity.createId()}`,
    type: "message",
    role: "assistant",
    model: identity.model,
    content: message.content,
    stop_reason: callsTool ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  };
}
