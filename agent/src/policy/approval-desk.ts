/** Requests that wait for the owner's word, with `--approve`. */
import type { ChatRequest } from "../../../src/lib/openai/chat.ts";
import { firstCharacters } from "../first-characters.ts";
import { printable } from "../logger.ts";
import type { PolicyRefusal } from "./agent-policy.ts";

/** What the owner is shown. */
export interface Question {
  /** Short, for typing; counts from 1. */
  readonly number: number;
  readonly requestId: string;
  readonly model: string;
  /** Characters of the request as JSON. */
  readonly characters: number;
  /** The beginning of the last message's first line, printable, at most 200 characters. */
  readonly preview: string;
  /** When it is refused without a word, in epoch milliseconds. */
  readonly expiresAt: number;
}

export interface ApprovalDeskOptions {
  readonly timeoutMs: number;
  /** The wall clock, in epoch milliseconds. */
  readonly clock: () => number;
  /** A question has come or gone. */
  readonly onChange: () => void;
  /** A question has come, and nothing has answered it yet. */
  readonly onQuestion?: ((question: Question) => void) | undefined;
}

type Verdict = "approved" | "denied" | "expired";
const PREVIEW_CHARACTERS = 200;

export class ApprovalDesk {
  readonly #options: ApprovalDeskOptions;
  readonly #waiting = new Map<number, { readonly question: Question; readonly decide: (verdict: Verdict) => void }>();
  #lastNumber = 0;
  #isClosed = false;

  constructor(options: ApprovalDeskOptions) {
    this.#options = options;
  }

  /** What waits, oldest first. */
  get questions(): readonly Question[] {
    return [...this.#waiting.values()].map(({ question }) => question);
  }

  /**
   * Asks, and waits for the word or the end of the time. Answers the refusal, or undefined where it is approved. Rejects
   * with the signal's reason when that aborts, which takes the question away.
   */
  async ask(
    request: { readonly requestId: string; readonly model: string },
    chat: ChatRequest,
    signal: AbortSignal,
  ): Promise<PolicyRefusal | undefined> {
    signal.throwIfAborted();
    const { timeoutMs, clock, onChange, onQuestion } = this.#options;
    const number = (this.#lastNumber += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => resolve("expired"), timeoutMs);
    const question: Question = {
      number,
      requestId: request.requestId,
      model: request.model,
      characters: JSON.stringify(chat).length,
      preview: previewOf(chat),
      expiresAt: clock() + timeoutMs,
    };
    this.#waiting.set(number, { question, decide: resolve });
    if (this.#isClosed) resolve("expired");
    else onQuestion?.(question);
    onChange();
    try {
      const verdict = await promise;
      if (verdict === "approved") return undefined;
      const did = verdict === "denied" ? "denied" : "did not approve";
      return { code: "policy", message: `The owner of this agent ${did} the request.` };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(number);
      onChange();
    }
  }

  /** Refuses all that waits, and what comes, for an agent that is about to end. */
  close(): void {
    this.#isClosed = true;
    for (const { decide } of this.#waiting.values()) decide("expired");
  }

  /** Gives the owner's word on a question. `false` where none of that number waits. */
  decide(number: number, verdict: "approved" | "denied"): boolean {
    const waiting = this.#waiting.get(number);
    waiting?.decide(verdict);
    return waiting !== undefined;
  }
}

function previewOf({ messages }: ChatRequest): string {
  const content = messages.at(-1)?.content;
  const texts = typeof content === "string" ? [content] : (content ?? []).flatMap(textOf);
  const line =
    texts
      .join(" ")
      .trimStart()
      .slice(0, 4 * PREVIEW_CHARACTERS)
      .split(/[\r\n]/, 1)[0] ?? "";
  return firstCharacters(printable(line), PREVIEW_CHARACTERS);
}

function textOf(part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  if ("text" in part && typeof part.text === "string") return [part.text];
  return "type" in part && typeof part.type === "string" ? [`[${part.type}]`] : [];
}
