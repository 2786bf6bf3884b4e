import type { IncomingMessage, ServerResponse } from "node:http";

/** What a handler reads of a request: the part of `IncomingMessage` that the Next mount can offer too. */
export type HttpRequest = Pick<
  IncomingMessage,
  "method" | "headers" | "on" | "once" | "off" | "pause" | "resume" | "destroy"
>;

/** What a handler writes: the part of `ServerResponse` that the Next mount can offer too. */
export type HttpResponse = Pick<
  ServerResponse,
  | "statusCode"
  | "headersSent"
  | "writableEnded"
  | "setHeader"
  | "hasHeader"
  | "removeHeader"
  | "flushHeaders"
  | "write"
  | "end"
  | "destroy"
  | "on"
  | "once"
  | "off"
>;

/** One request on its way through a handler. */
export interface HttpContext {
  readonly requestId: string;
  /** `performance.now()` at arrival. */
  readonly startedAt: number;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path parameters that the router took out of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Address of the peer of the socket; empty where the host does not tell. */
  readonly remoteAddress: string;
  /** Set where a worker process has passed the request on: whether it has held it against the limits already. */
  readonly relayed?: { readonly isAdmitted: boolean };
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Aborted when the client closes before the response has ended. */
  readonly signal: AbortSignal;
}

/** Answers one request. A thrown error is rendered by the listener: an OpenAI error object, or an error frame after the first byte. */
export type HttpHandler = (context: HttpContext) => Promise<void>;
