import type { Fields } from "../../openai/fields.ts";
import type { GeminiContent, GeminiPart } from "./gemini-content.ts";

/**
 * The id of the turn in which the CLI (0.61.0) describes the machine: the first 32 digits of the SHA-256 of
 * `environment-context`. Where a loaded history begins with this id, the CLI takes the description as given and writes none.
 */
const ENVIRONMENT_TURN_ID = "d04923d38bb0f6017037e74183378ef4";

/** A model's turn without content: the CLI leaves it out of what it sends. */
const LEFT_OUT: Fields = { type: "gemini", content: [{ text: "", thought: null }] };

/** A block of a prompt as the Agent Client Protocol has it (agentclientprotocol.com, Content). */
export type PromptBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly data: string };

export interface SplitConversation {
  /** What the session's file holds. */
  readonly history: readonly Fields[];
  /** What is asked by `session/prompt`; never empty. */
  readonly prompt: readonly PromptBlock[];
}

/**
 * Divides a conversation, whose last turn is the user's, into a history for the CLI to load and the prompt that it is
 * asked. The CLI joins neighbours of one role, so that what is sent are the turns as they were given.
 *
 * A prompt that begins with `/` or `$` could be taken for a command of the CLI, and is not as long as that sign is in the
 * history. Results of tools can be in the history only: then the prompt is a single space.
 */
export function splitConversation(contents: readonly GeminiContent[]): SplitConversation {
  const last = contents.at(-1)?.parts ?? [];
  const firstOfPrompt = last.findLastIndex((part) => !("text" in part) && !("inlineData" in part)) + 1;
  const earlier = contents.slice(0, -1).map(toRecord);
  const heldBack = last.slice(0, firstOfPrompt);
  if (heldBack.length > 0) earlier.push(toRecord({ role: "user", parts: heldBack }));
  const { sign, rest } = takeSign(last.slice(firstOfPrompt));
  if (sign.length > 0) earlier.push(toRecord({ role: "user", parts: sign }));
  // Between a result and a prompt the CLI would put a turn of its own, if the result were the last thing that it finds.
  else if (heldBack.length > 0 || earlier.length === 0) earlier.push(LEFT_OUT);
  const prompt = rest.flatMap(toBlock);
  return { history: earlier, prompt: prompt.length === 0 ? [{ type: "text", text: " " }] : prompt };
}

/** The white space, `/` and `$` with which the texts at the front begin, apart from what follows them. */
function takeSign(parts: readonly GeminiPart[]): { sign: readonly GeminiPart[]; rest: readonly GeminiPart[] } {
  const sign: GeminiPart[] = [];
  const rest = [...parts];
  for (;;) {
    const [first, ...others] = rest;
    if (first === undefined || !("text" in first)) break;
    const begin = /^[\s/$\uFEFF]+/.exec(first.text)?.[0] ?? "";
    if (begin === "" || (begin.length === first.text.length && others.length === 0)) break;
    sign.push({ text: begin });
    if (begin.length < first.text.length) {
      rest[0] = { text: first.text.slice(begin.length) };
      break;
    }
    rest.shift();
  }
  const isSign = sign.some((part) => "text" in part && /[/$]/.test(part.text));
  return isSign ? { sign, rest } : { sign: [], rest: parts };
}

/** `thought: null` is never sent, and keeps the CLI from leaving out a text that begins like a command. */
function toRecord({ role, parts }: GeminiContent): Fields {
  const content = parts.map((part) => ("text" in part ? { ...part, thought: null } : part));
  return { type: role === "user" ? "user" : "gemini", content };
}

function toBlock(part: GeminiPart): readonly PromptBlock[] {
  if ("text" in part) return [{ type: "text", text: part.text }];
  return "inlineData" in part ? [{ type: "image", ...part.inlineData }] : [];
}

export interface SessionFileOptions {
  readonly sessionId: string;
  /** RFC 3339. */
  readonly timestamp: string;
  /** A word that is told back when the CLI has told the whole history; it is not sent. */
  readonly mark: string;
}

/** The text that the CLI tells back last for a session with this mark. */
export function markText(mark: string): string {
  return `/${mark}`;
}

/** The file of a session as the CLI itself writes it: JSON lines, the session's facts first. Pure. */
export function renderSessionFile(history: readonly Fields[], options: SessionFileOptions): string {
  const { sessionId, timestamp } = options;
  const facts = { sessionId, projectHash: sessionId, startTime: timestamp, lastUpdated: timestamp, kind: "main" };
  const marked = [...history, { type: "user", content: markText(options.mark) }];
  const records = marked.map((record, index) => ({
    id: index === 0 ? ENVIRONMENT_TURN_ID : `${sessionId}-${index}`,
    timestamp,
    ...record,
  }));
  return [facts, ...records].map((line) => `${toLine(line)}\n`).join("");
}

/** The CLI's reader of lines ends one at these characters too. */
function toLine(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
