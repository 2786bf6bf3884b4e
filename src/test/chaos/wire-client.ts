/** An OpenAI client at the level of the wire: reads slowly, leaves early, and tells exactly what it has seen. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

export interface ClientPlan {
  readonly stream: boolean;
  /** Stops reading for so long after so many bytes of the answer. */
  readonly pause?: { readonly afterBytes: number; readonly ms: number };
  /** Closes its connection after so many bytes of the answer. */
  readonly leaveAfterBytes?: number;
  /** Closes its connection so long after the request, in milliseconds. */
  readonly leaveAfterMs?: number;
}

export interface ClientRequest {
  readonly url: string;
  readonly apiKey: string;
  readonly model: string;
  readonly prompt: string;
  readonly plan: ClientPlan;
  readonly onPause?: () => void;
  /** Text as it arrives. */
  readonly onText?: (text: string) => void;
}

export interface SeenUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What the client saw; `text` is all content it got, whole or not. */
export type ClientView = {
  readonly text: string;
  readonly ms: number;
  /** From the answer's headers, where there are any. */
  readonly agentId: string | undefined;
  readonly requestId: string | undefined;
} & (
  | { readonly kind: "done"; readonly finishReason: string | null; readonly usage: SeenUsage | undefined }
  | { readonly kind: "http error"; readonly status: number; readonly code: string }
  | { readonly kind: "error frame"; readonly code: string }
  | { readonly kind: "left" }
  /** Neither an end nor an error, or both: what must never be. */
  | { readonly kind: "broken"; readonly why: string }
);

type Seen = ClientView extends infer View
  ? View extends ClientView
    ? Omit<View, "text" | "ms" | "agentId" | "requestId">
    : never
  : never;

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: SeenUsage | null;
  readonly error?: { readonly code?: string | null };
}

/** Sends one chat request and reads the answer as planned. Never rejects. */
export async function askAsClient(asked: ClientRequest): Promise<ClientView> {
  const startedAt = performance.now();
  const reader = new AnswerReader(asked.onText);
  const leaving = new AbortController();
  const { plan } = asked;
  const timer = plan.leaveAfterMs === undefined ? undefined : setTimeout(() => leaving.abort(), plan.leaveAfterMs);
  let seen: Seen;
  let headers: IncomingMessage["headers"] = {};
  try {
    const answer = await open(asked, leaving.signal);
    headers = answer.headers;
    await readBody(answer, asked, reader, leaving);
    seen = plan.stream && answer.statusCode === 200 ? reader.endOfStream() : reader.endOfWhole(answer.statusCode ?? 0);
  } catch (error) {
    seen = leaving.signal.aborted ? { kind: "left" } : { kind: "broken", why: `connection: ${String(error)}` };
  } finally {
    clearTimeout(timer);
  }
  const agentId = oneHeader(headers["x-codewise-agent"]);
  const requestId = oneHeader(headers["x-request-id"]);
  return { ...seen, text: reader.text, ms: performance.now() - startedAt, agentId, requestId };
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

async function open(asked: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { stream } = asked.plan;
  const body = JSON.stringify({
    model: asked.model,
    messages: [{ role: "user", content: asked.prompt }],
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
  });
  const outgoing = request(`${asked.url}/v1/chat/completions`, {
    method: "POST",
    agent: false,
    signal,
    headers: {
      authorization: `Bearer ${asked.apiKey}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  });
  outgoing.on("error", () => undefined);
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return answer;
}

async function readBody(
  answer: IncomingMessage,
  { plan, onPause }: ClientRequest,
  reader: AnswerReader,
  leaving: AbortController,
): Promise<void> {
  let bytes = 0;
  let pauseDue = plan.pause !== undefined;
  for await (const part of answer) {
    const chunk = Buffer.from(part as Uint8Array);
    bytes += chunk.length;
    reader.feed(chunk, plan.stream && answer.statusCode === 200);
    if (plan.leaveAfterBytes !== undefined && bytes >= plan.leaveAfterBytes) {
      leaving.abort();
      answer.destroy();
      throw new Error("left");
    }
    if (pauseDue && plan.pause !== undefined && bytes >= plan.pause.afterBytes) {
      pauseDue = false;
      onPause?.();
      await wait(plan.pause.ms, undefined, { signal: leaving.signal });
    }
  }
}

/** Takes the bytes of an answer apart without trusting that they make sense. */
class AnswerReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #onText: ((text: string) => void) | undefined;
  readonly #parts: string[] = [];
  #carry = "";
  #isDone = false;
  #errorCode: string | undefined;
  #finishReason: string | null = null;
  #usage: SeenUsage | undefined;
  #problem: string | undefined;

  constructor(onText: ((text: string) => void) | undefined) {
    this.#onText = onText;
  }

  get text(): string {
    return this.#parts.join("");
  }

  feed(bytes: Buffer, isStream: boolean): void {
    this.#carry += this.#decoder.decode(bytes, { stream: true });
    if (!isStream) return;
    let start = 0;
    for (let end = this.#carry.indexOf("\n\n"); end !== -1; end = this.#carry.indexOf("\n\n", start)) {
      this.#frame(this.#carry.slice(start, end));
      start = end + 2;
    }
    this.#carry = this.#carry.slice(start);
  }

  endOfStream(): Seen {
    this.#decoder.decode();
    if (this.#carry !== "") this.#problem ??= "the stream ended within a frame";
    if (this.#isDone && this.#errorCode !== undefined) this.#problem ??= "[DONE] and an error";
    if (this.#isDone && this.#finishReason === null) this.#problem ??= "[DONE] without a finish reason";
    if (!this.#isDone && this.#errorCode === undefined) this.#problem ??= "the stream ended without [DONE] or an error";
    if (this.#problem !== undefined) return { kind: "broken", why: this.#problem };
    if (this.#errorCode !== undefined) return { kind: "error frame", code: this.#errorCode };
    return { kind: "done", finishReason: this.#finishReason, usage: this.#usage };
  }

  endOfWhole(status: number): Seen {
    this.#decoder.decode();
    const body = JSON.parse(this.#carry) as Chunk;
    if (status !== 200) {
      const code = body.error?.code;
      return typeof code === "string"
        ? { kind: "http error", status, code }
        : { kind: "broken", why: `status ${status} without an error code` };
    }
    this.#take(body.choices?.[0]?.message?.content ?? "");
    const finishReason = body.choices?.[0]?.finish_reason ?? null;
    return { kind: "done", finishReason, usage: body.usage ?? undefined };
  }

  #frame(frame: string): void {
    if (frame.startsWith(":")) return;
    if (this.#isDone) this.#problem ??= "output after [DONE]";
    if (this.#errorCode !== undefined) this.#problem ??= "output after an error";
    if (!frame.startsWith("data: ") || frame.includes("\n")) {
      this.#problem ??= `not a data frame: ${frame.slice(0, 80)}`;
      return;
    }
    const data = frame.slice(6);
    if (data === "[DONE]") {
      this.#isDone = true;
      return;
    }
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error !== undefined) this.#errorCode = String(chunk.error.code);
    this.#usage = chunk.usage ?? this.#usage;
    const choice = chunk.choices?.[0];
    if (choice === undefined) return;
    if (this.#finishReason !== null) this.#problem ??= "output after the finish reason";
    this.#finishReason = choice.finish_reason ?? null;
    this.#take(choice.delta?.content ?? "");
  }

  #take(text: string): void {
    if (text === "") return;
    this.#parts.push(text);
    this.#onText?.(text);
  }
}
