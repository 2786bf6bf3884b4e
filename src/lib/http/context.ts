import type { IncomingMessage } from "node:http";
import type { RequestTiming } from "../telemetry/request-timing.ts";

/** What a handler reads of a request: the part of `IncomingMessage` that the Next mount can offer too. */
export type HttpRequest = Pick<
  IncomingMessage,
  "method" | "headers" | "on" | "once" | "off" | "pause" | "resume" | "destroy"
>;

export type HeaderValue = string | number | readonly string[];

type ResponseEvent = "drain" | "finish" | "close" | "error";

/** What a handler writes: the part of `ServerResponse` that the Next mount can offer too. */
export interface HttpResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  /** Whether the socket has taken everything. */
  readonly writableFinished: boolean;
  /** Bytes that the socket has not taken yet. */
  readonly writableLength: number;
  /** Whether its `x-ratelimit-*-requests` tell of the proxy's own limit. */
  hasOwnRateLimit?: boolean;
  /** Names in lower case; a name set twice has its last value. */
  setHeader(name: string, value: HeaderValue): unknown;
  hasHeader(name: string): boolean;
  flushHeaders(): void;
  /** Says that many short pieces of text will follow, so that a host may send them in a cheaper way. */
  beginStream?(): void;
  /** Text is sent as UTF-8. `false` asks to wait for `drain`. */
  write(data: string | Uint8Array, onWritten?: () => void): boolean;
  /**
   * As `write`, for one of many short pieces that come each by itself: a host may send it with what other streams write in
   * the same turn of the event loop, which is cheaper and takes up to that turn longer.
   */
  writeSoon?(text: string): boolean;
  end(data?: string | Uint8Array): unknown;
  destroy(): unknown;
  on(event: ResponseEvent, listener: () => void): unknown;
  once(event: ResponseEvent, listener: () => void): unknown;
  off(event: ResponseEvent, listener: () => void): unknown;
}

/** One request on its way through a handler. */
export interface HttpContext {
  readonly requestId: string;
  /** `performance.now()` at arrival. */
  readonly startedAt: number;
  /** Where its time goes; what becomes of it is sent as `x-codewise-overhead-ms`. */
  readonly timing: RequestTiming;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path parameters that the router took out of the path, decoded; the dispatcher sets them. */
  params: Readonly<Record<string, string>>;
  /** Address of the peer of the socket; empty where the host does not tell. */
  readonly remoteAddress: string;
  /** Set where a worker process has passed the request on: whether it has held it against the limits already. */
  readonly relayed?: { readonly isAdmitted: boolean } | undefined;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Aborted when the client closes before the response has ended, or by {@link HttpContext.abort}. */
  readonly signal: AbortSignal;
  /** Whether the client has closed before the response had ended. */
  readonly clientGone: boolean;
  /** Ends the request's work, for a deadline or a shutdown: aborts the signal with this reason unless it has been. */
  abort(reason: Error): void;
  /** {@link HttpContext.abort}, and closes the connection. */
  cut(reason: Error): void;
}

/** Answers one request. A thrown error is rendered by the listener: an OpenAI error object, or an error frame after the first byte. */
export type HttpHandler = (context: HttpContext) => Promise<void>;
