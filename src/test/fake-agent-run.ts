import { createHash } from "node:crypto";
import {
  deltaDigestText,
  type AgentChunk,
  type AgentComplete,
  type AgentError,
  type AgentRequest,
  type SequencedMessage,
} from "../lib/agent/types.ts";
import type { ChatDelta } from "../lib/openai/delta.ts";

type RejectCode = Extract<SequencedMessage, { type: "reject" }>["code"];

/** Writes the messages of one request as an honest agent would: numbered from 1, counted and hashed. It sends nothing. */
export class FakeRun {
  readonly requestId: string;
  readonly #attempt: number;
  readonly #digest = createHash("sha256");
  #seq = 0;
  #deltaCount = 0;

  constructor(request: Pick<AgentRequest, "requestId" | "attempt">) {
    this.requestId = request.requestId;
    this.#attempt = request.attempt;
  }

  accept(): SequencedMessage {
    return { type: "accept", ...this.#next(), attempt: this.#attempt };
  }

  reject(code: RejectCode, message = "no"): SequencedMessage {
    return { type: "reject", ...this.#next(), code, message };
  }

  /** One chunk with a delta per text. */
  text(...texts: string[]): AgentChunk {
    return this.chunk(texts.map((content) => ({ content })));
  }

  chunk(deltas: ChatDelta[], opened?: AgentChunk["opened"]): AgentChunk {
    for (const delta of deltas) this.#digest.update(deltaDigestText(delta));
    this.#deltaCount += deltas.length;
    return { type: "chunk", ...this.#next(), ...(opened ? { opened } : {}), deltas };
  }

  complete(changes: Partial<AgentComplete> = {}): AgentComplete {
    return {
      type: "complete",
      ...this.#next(),
      finishReason: "stop",
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
      usageSource: "cli",
      model: "claude-sonnet-4-5",
      timings: { totalMs: 12 },
      deltaCount: this.#deltaCount,
      deltaSha256: this.#digest.copy().digest("hex"),
      ...changes,
    };
  }

  error(changes: Partial<AgentError> = {}): AgentError {
    return {
      type: "error",
      ...this.#next(),
      code: "cli_crashed",
      message: "The CLI crashed.",
      status: 502,
      retryable: true,
      ...changes,
    };
  }

  #next(): { requestId: string; seq: number } {
    this.#seq += 1;
    return { requestId: this.requestId, seq: this.#seq };
  }
}
