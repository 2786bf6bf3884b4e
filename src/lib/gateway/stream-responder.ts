import type { HttpResponse } from "../http/context.ts";
import { encodeComment, encodeData, setSseHeaders } from "../http/sse.ts";
import { createChunkEncoder, type ChunkEncoder } from "../openai/chunk-encoder.ts";
import type { ChatDelta } from "../openai/delta.ts";
import type { ProviderOutcome, ServedBy, StreamSink } from "../providers/types.ts";

export interface StreamResponderOptions {
  readonly response: HttpResponse;
  readonly completionId: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly includeUsage: boolean;
  /** Sets the headers that depend on who serves; called before the headers are sent by a first output. */
  readonly onOpen: (servedBy: ServedBy) => void;
  readonly onFirstOutput: () => void;
}

/**
 * Writes one chat stream to a client. Headers are held until the first output, so that a failure before it keeps its
 * real HTTP status and another target can be tried; `keepAlive` commits them early when nothing comes for long.
 */
export class StreamResponder implements StreamSink {
  readonly #options: StreamResponderOptions;
  #servedBy: ServedBy | undefined;
  #encoder: ChunkEncoder | undefined;
  #mode: "idle" | "delta" | "raw" = "idle";
  #lastWriteAt = performance.now();

  constructor(options: StreamResponderOptions) {
    this.#options = options;
  }

  /** Whether output has been delivered: from then on no other target may be tried. */
  get delivered(): boolean {
    return this.#mode !== "idle";
  }

  open(servedBy: ServedBy): void {
    this.#servedBy = servedBy;
    this.#options.onOpen(servedBy);
  }

  delta(delta: ChatDelta): boolean {
    const { response } = this.#options;
    if (this.#mode === "idle") {
      this.#begin("delta");
      response.write(encodeData(this.#encode().role()));
    }
    return response.write(encodeData(this.#encode().delta(delta)));
  }

  /** The payload is one line. */
  raw(payload: string): boolean {
    if (this.#mode === "idle") this.#begin("raw");
    else this.#lastWriteAt = performance.now();
    const { response } = this.#options;
    const frame = `data: ${payload}\n\n`;
    return response.writeSoon === undefined ? response.write(frame) : response.writeSoon(frame);
  }

  onDrain(listener: () => void): void {
    const { response } = this.#options;
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      listener();
    };
    response.on("drain", settle);
    response.on("close", settle);
  }

  /** Ends an answer that its provider said is whole: finish reason, usage if it was asked for and is known, `[DONE]`. */
  finish(outcome: ProviderOutcome): void {
    const { response, includeUsage } = this.#options;
    if (this.#mode !== "raw") {
      if (this.#mode === "idle") {
        if (this.#servedBy === undefined) this.open(outcome.servedBy);
        this.#begin("delta");
        response.write(encodeData(this.#encode().role()));
      }
      response.write(encodeData(this.#encode().finish(outcome.finishReason)));
      if (includeUsage && outcome.usage !== undefined) response.write(encodeData(this.#encode().usage(outcome.usage)));
    }
    response.end(encodeData("[DONE]"));
  }

  /** Sends a comment frame when nothing was written for `silenceMs`; clients with an idle timeout stay connected. */
  keepAlive(silenceMs: number): void {
    const { response } = this.#options;
    if (response.writableEnded || performance.now() - this.#lastWriteAt < silenceMs) return;
    this.#commitHeaders();
    this.#lastWriteAt = performance.now();
    response.write(encodeComment("keepalive"));
  }

  #begin(mode: "delta" | "raw"): void {
    this.#mode = mode;
    this.#commitHeaders();
    this.#lastWriteAt = performance.now();
    this.#options.onFirstOutput();
  }

  #encode(): ChunkEncoder {
    this.#lastWriteAt = performance.now();
    this.#encoder ??= createChunkEncoder({
      id: this.#options.completionId,
      created: this.#options.created,
      model: this.#servedBy?.model ?? "",
      includeUsage: this.#options.includeUsage,
    });
    return this.#encoder;
  }

  #commitHeaders(): void {
    const { response } = this.#options;
    if (response.headersSent) return;
    response.statusCode = 200;
    setSseHeaders(response);
    response.beginStream?.();
  }
}
