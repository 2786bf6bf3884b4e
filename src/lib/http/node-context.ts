import { randomFillSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestTiming } from "../telemetry/request-timing.ts";
import type { HttpContext, HttpRequest } from "./context.ts";
import { NodeResponse } from "./node-response.ts";
import { RequestLife } from "./request-life.ts";

const NO_PARAMS: Readonly<Record<string, string>> = {};

/** What is known of a request that came through another process of this proxy. */
export interface RequestOrigin {
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly isAdmitted: boolean;
}

/**
 * Makes the context of a node:http exchange: a fresh request id (sent as `x-request-id`), the decoded path, and a signal
 * that aborts with `client_closed_request` when the client closes before the answer has ended.
 */
export function createNodeContext(
  request: IncomingMessage,
  response: ServerResponse,
  origin?: RequestOrigin,
): HttpContext {
  return new NodeContext(request, response, origin);
}

class NodeContext implements HttpContext {
  readonly requestId: string;
  readonly timing = new RequestTiming(performance.now());
  readonly path: string;
  readonly request: HttpRequest;
  readonly response: NodeResponse;
  params = NO_PARAMS;
  readonly #life = new RequestLife();
  readonly #incoming: IncomingMessage;
  readonly #origin: RequestOrigin | undefined;
  #query: URLSearchParams | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, origin: RequestOrigin | undefined) {
    this.requestId = origin?.requestId ?? createRequestId();
    this.#incoming = request;
    this.#origin = origin;
    this.request = request;
    this.path = readPath(request.url ?? "/");
    this.response = new NodeResponse(response, this.timing);
    this.response.setHeader("x-request-id", this.requestId);
    // It comes once; `once` would cost each request a second closure.
    response.on("close", () => {
      if (!response.writableFinished) this.#life.clientClosed();
    });
  }

  get startedAt(): number {
    return this.timing.startedAt;
  }

  get query(): URLSearchParams {
    this.#query ??= readQuery(this.#incoming.url ?? "/");
    return this.#query;
  }

  get remoteAddress(): string {
    return this.#origin?.remoteAddress ?? this.#incoming.socket.remoteAddress ?? "";
  }

  get relayed(): RequestOrigin | undefined {
    return this.#origin;
  }

  get signal(): AbortSignal {
    return this.#life.signal;
  }

  get clientGone(): boolean {
    return this.#life.clientGone;
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }

  cut(reason: Error): void {
    this.#life.abort(reason);
    this.response.destroy();
  }
}

const ID_BYTES = 16;
const randomBytes = Buffer.alloc(256 * ID_BYTES);
let usedBytes = randomBytes.length;

/** A fresh id, as `x-request-id` and the request log have it: 128 random bits in hex, drawn for many ids at once. */
export function createRequestId(): string {
  if (usedBytes === randomBytes.length) {
    randomFillSync(randomBytes);
    usedBytes = 0;
  }
  const start = usedBytes;
  usedBytes += ID_BYTES;
  return `req_${randomBytes.toString("hex", start, usedBytes)}`;
}

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * The decoded path of a request target; one with broken percent signs is left as it came. Of the absolute form, which
 * every server must take (RFC 9112, 3.2.2), the host is ignored as the Host header is.
 */
export function readPath(sent: string): string {
  const target = sent.startsWith("/") ? sent : sent.replace(ABSOLUTE_FORM, "") || "/";
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function readQuery(target: string): URLSearchParams {
  const mark = target.indexOf("?");
  return new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1));
}
