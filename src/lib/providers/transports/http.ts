import type { IncomingHttpHeaders } from "node:http";
import { Pool } from "undici";
import { GatewayError } from "../../http/errors.ts";
import type { CallTimeouts, ProviderCall } from "../types.ts";
import { startExchange } from "./http-exchange.ts";

/**
 * Open connections to one upstream, as many as the listener lets clients in: each open stream holds one, and fewer would let
 * streams fail by their connect clock. undici looks through them for a free one: 20 microseconds a request for each thousand
 * that are busy.
 */
const MAX_CONNECTIONS = 10_000;
const MAX_CONNECT_MS = 120_000;
const KEEP_ALIVE_MS = 4000;
const DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024;
const ignore = (): void => {};

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Path and query on the client's origin. */
  readonly path: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Taken out once it is handed to the connection, so that nobody keeps it for as long as the answer takes. */
  body?: Buffer | undefined;
  readonly signal: AbortSignal;
  readonly timeouts: CallTimeouts;
  readonly timing?: ProviderCall["timing"];
  /** Turns an answer that is not the expected one into the error to throw: the provider family's knowledge. */
  readonly translateError: (failure: HttpFailure) => GatewayError;
}

/** An answer with a status other than 2xx, or a 2xx of the wrong kind (a captive portal's page, JSON for a stream). */
export interface HttpFailure {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first 64 KiB of the body. */
  readonly body: string;
  readonly retryAfterMs: number | undefined;
}

/** What the reader of a stream can do. */
export interface HttpStreamControl {
  /** Real output came: feeds the first-output and idle clocks. Comments and pings do not count. */
  output(): void;
  /** Stops reading the socket, so that TCP holds the upstream back; the idle clock stands still meanwhile. */
  pause(): void;
  resume(): void;
  /** The answer is whole: resolves now. What may follow is read and ignored for a moment so that the connection can be used again. */
  finish(): void;
}

/** Reads a stream. What a method throws ends the request at once and is what {@link HttpClient.openStream} rejects with. */
export interface HttpStreamHandler {
  /** A 2xx answer begins. */
  onOpen?(headers: IncomingHttpHeaders): void;
  onData(chunk: Buffer, control: HttpStreamControl): void;
  /** The body ended without `finish()`: throws unless the answer is whole all the same. */
  onEnd(): void;
}

export interface HttpReply {
  readonly headers: IncomingHttpHeaders;
  /** The whole body. */
  readonly body: Buffer;
}

export interface HttpClient {
  /**
   * Sends a request and hands its 2xx event stream to the handler.
   *
   * @throws GatewayError `upstream_timeout`, `upstream_connection_failed` (before the answer), `upstream_incomplete`
   * (in it), what `translateError` makes of another answer, what the handler throws, or the signal's reason.
   */
  openStream(request: HttpRequest, handler: HttpStreamHandler): Promise<void>;
  /**
   * Sends a request and reads its 2xx JSON answer whole. Since a model's answer comes in one piece after its
   * last token, only the total clock bounds the wait for it; `firstOutputMs` and `idleMs` do not apply.
   */
  requestJson(request: HttpRequest, maxBodyBytes?: number): Promise<HttpReply>;
  close(): Promise<void>;
}

/**
 * A pool of HTTP/1.1 connections to one origin, used through undici's `dispatch`: no fetch, no web streams, nothing per
 * chunk but a callback. undici's own header and body timeouts are off, since the four clocks of a call rule; its
 * connect timeout is only a backstop. An abort, in whatever phase, destroys the socket before the promise rejects; a
 * request that was still waiting for its connection is never written.
 *
 * @param baseUrl `http:` or `https:` URL; only its origin is used.
 */
export function createHttpClient(baseUrl: string): HttpClient {
  const pool = new Pool(new URL(baseUrl).origin, {
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: MAX_CONNECT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return {
    openStream: (request, handler) =>
      new Promise((resolve, reject) => {
        startExchange(pool, { request, expected: "text/event-stream", handler, resolve, reject });
      }),
    requestJson: (request, maxBodyBytes = DEFAULT_MAX_BODY_BYTES) =>
      new Promise((resolve, reject) => {
        const reply = new ReplyReader(maxBodyBytes, resolve);
        const { connectMs, idleMs, totalMs } = request.timeouts;
        startExchange(pool, {
          request,
          timeouts: { connectMs, firstOutputMs: Number.POSITIVE_INFINITY, idleMs, totalMs },
          expected: "application/json",
          handler: reply,
          resolve: ignore,
          reject,
        });
      }),
    close: () => pool.destroy(),
  };
}

/** Gathers an answer that is read whole. */
class ReplyReader implements HttpStreamHandler {
  readonly #maxBodyBytes: number;
  readonly #resolve: (reply: HttpReply) => void;
  readonly #chunks: Buffer[] = [];
  #headers: IncomingHttpHeaders = {};
  #length = 0;

  constructor(maxBodyBytes: number, resolve: (reply: HttpReply) => void) {
    this.#maxBodyBytes = maxBodyBytes;
    this.#resolve = resolve;
  }

  onOpen(headers: IncomingHttpHeaders): void {
    this.#headers = headers;
  }

  onData(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > this.#maxBodyBytes) {
      throw new GatewayError("upstream_invalid_response", "The upstream's answer is too large.");
    }
    this.#chunks.push(chunk);
  }

  /** Every end is the end of a whole answer. */
  onEnd(): void {
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#length);
    this.#resolve({ headers: this.#headers, body });
  }
}
