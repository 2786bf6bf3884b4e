import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../../http/errors.ts";
import { createSseParser, type SseParser } from "../../http/sse.ts";
import { createBackpressure } from "../transports/http-backpressure.ts";
import { readHeader } from "../transports/http-header.ts";
import type { HttpStreamControl, HttpStreamHandler } from "../transports/http.ts";
import type { ProviderOutcome, ServedBy, StreamSink } from "../types.ts";
import { createLeadHolder } from "./hold-lead.ts";
import type { ChunkRelay } from "./relay-chunk.ts";
import { fewerChoices } from "./relay-completion.ts";
import { translateOpenAIHeaders } from "./translate-headers.ts";

/** An upstream's event stream on its way to a sink: its chunks as they came, from the first that brings output on. */
export class RelayedStream implements HttpStreamHandler {
  readonly #askedModel: string;
  readonly #relay: ChunkRelay;
  readonly #sink: StreamSink;
  readonly #lead = createLeadHolder();
  readonly #applyBackpressure: ReturnType<typeof createBackpressure>;
  readonly #parser: SseParser;
  #upstreamRequestId: string | undefined;
  #upstreamHeaders: ServedBy["upstreamHeaders"];
  #servedBy: ServedBy | undefined;
  #control: HttpStreamControl | undefined;
  #done = false;

  /** @param askedModel what served is called where the upstream names no model */
  constructor(askedModel: string, relay: ChunkRelay, sink: StreamSink) {
    this.#askedModel = askedModel;
    this.#relay = relay;
    this.#sink = sink;
    this.#applyBackpressure = createBackpressure(sink);
    this.#parser = createSseParser({ onEvent: ({ data }) => this.#take(data) });
  }

  onOpen(received: IncomingHttpHeaders): void {
    this.#upstreamRequestId = readHeader(received["x-request-id"]);
    this.#upstreamHeaders = translateOpenAIHeaders(received);
  }

  onData(chunk: Buffer, control: HttpStreamControl): void {
    this.#control = control;
    this.#parser.push(chunk);
  }

  /** Some compatible servers close without `[DONE]`; the finish reasons have then said that the answer is whole. */
  onEnd(): void {
    const { finished, lacksChoices, usage } = this.#relay;
    if (finished) return;
    if (lacksChoices) throw fewerChoices(usage);
    throw new GatewayError("upstream_incomplete", "The upstream's stream ended before the answer did.");
  }

  /** How a whole answer ended. Throws GatewayError `upstream_incomplete` where none of its choices said why. */
  outcome(): ProviderOutcome {
    const { finishReason, usage } = this.#relay;
    if (finishReason === undefined) {
      throw new GatewayError("upstream_incomplete", "The upstream gave no finish reason.");
    }
    return { servedBy: this.#open(), finishReason, usage };
  }

  #take(data: string): void {
    const control = this.#control;
    if (control === undefined || this.#done || data === "") return;
    if (data === "[DONE]") {
      this.onEnd();
      this.#done = true;
      control.finish();
      return;
    }
    const payload = this.#relay.push(data);
    const { broughtOutput } = this.#relay;
    if (broughtOutput) control.output();
    if (payload === undefined) return;
    if (this.#lead.released) {
      this.#applyBackpressure(this.#sink.raw(payload), control);
      return;
    }
    for (const ready of this.#lead.push(payload, broughtOutput)) {
      this.#open();
      this.#applyBackpressure(this.#sink.raw(ready), control);
    }
  }

  #open(): ServedBy {
    if (this.#servedBy !== undefined) return this.#servedBy;
    this.#servedBy = {
      model: this.#relay.model ?? this.#askedModel,
      upstreamRequestId: this.#upstreamRequestId,
      upstreamHeaders: this.#upstreamHeaders,
    };
    this.#sink.open(this.#servedBy);
    return this.#servedBy;
  }
}
