/** The agent's side of HTTP: one pool to the proxy, its headers, and bounded answers. */
import { randomUUID } from "node:crypto";
import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from "undici";
import { AGENT_TOKEN_PREFIX } from "../../src/lib/agent/types-login.ts";
import { AGENT_HEADERS, PROTOCOL_VERSION } from "../../src/lib/agent/types.ts";
import { isLoopback } from "./config.ts";
import { runExchange, type HttpAnswer } from "./exchange.ts";
import { AGENT_VERSION } from "./version.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** The proxy answers at once, and what got no answer is sent again under its number: a dead path must not cost more. */
const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 30_000;
/**
 * How long an idle connection is kept, whatever time the proxy names: so long that the first text of an answer, which a CLI
 * takes seconds for, finds an open one and waits for no handshake; less than the 30 s between heartbeats, which would keep
 * one for ever that a router has forgotten or a sleep has cut.
 */
const KEEP_ALIVE_MS = 20_000;

export interface ProxyAddress {
  /** Without a slash at the end; may have a path, where the proxy is mounted below one. */
  readonly url: string;
  /** The shared secret or the token of a login; left out before there is one. */
  readonly secret?: string | undefined;
  readonly agentId: string;
  /** The instance to speak as: a uuid, by default a new one. */
  readonly instance?: string | undefined;
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Beginning with `/`, below the proxy's URL. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Largest answer to read, in bytes; what is longer rejects. */
  readonly maxBytes: number;
}

export interface ProxyClient {
  /** Whether it proves itself by the token of a login, which never works again once it is refused. */
  readonly hasToken: boolean;
  /** Sends one request and reads the whole answer. Rejects on network errors, timeouts and aborts. */
  exchange(exchange: HttpRequest): Promise<HttpAnswer>;
  /** Opens a stream; the caller reads and closes the body. */
  openStream(path: string, signal: AbortSignal): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

/**
 * A client for one process: the same instance id on every request. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured,
 * except for this machine's own addresses. Redirects are not followed, since the secret goes along.
 */
export function createProxyClient(address: ProxyAddress): ProxyClient {
  const timeouts = {
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  };
  const { hostname, origin, pathname } = new URL(address.url);
  const dispatcher = isLoopback(hostname) ? new Agent(timeouts) : new EnvHttpProxyAgent(timeouts);
  const mountPath = pathname.replace(/\/$/, "");
  const headers = {
    ...(address.secret !== undefined && { authorization: `Bearer ${address.secret}` }),
    "user-agent": `codewise-agent/${AGENT_VERSION}`,
    [AGENT_HEADERS.id]: address.agentId,
    [AGENT_HEADERS.instance]: address.instance ?? randomUUID(),
  };
  const connectHeaders = {
    ...headers,
    accept: "text/event-stream",
    "cache-control": "no-cache",
    [AGENT_HEADERS.protocol]: String(PROTOCOL_VERSION),
    [AGENT_HEADERS.version]: AGENT_VERSION,
  };
  const getHeaders = { ...headers, accept: "application/json" };
  const postHeaders = { ...getHeaders, "content-type": "application/json" };

  return {
    hasToken: address.secret?.startsWith(AGENT_TOKEN_PREFIX) === true,

    // A long answer is posted in thousands of these, so that no URL is parsed here.
    exchange: ({ method, path, body, signal, maxBytes }) =>
      runExchange(dispatcher, {
        request: {
          origin,
          path: mountPath + path,
          method,
          headers: body === undefined ? getHeaders : postHeaders,
          body: body ?? null,
        },
        signal,
        maxBytes,
      }),

    openStream: (path, signal) =>
      request(address.url + path, {
        dispatcher,
        method: "GET",
        signal,
        headers: connectHeaders,
        // Silence is judged by the connection's own watchdog, from the ping interval that the server names.
        bodyTimeout: 0,
      }),

    close: () => dispatcher.destroy(),
  };
}

/** Reads a body as UTF-8 text. Rejects when it is longer than `maxBytes`. */
export async function readText(body: Dispatcher.ResponseData["body"], maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    const chunk = Buffer.from(part);
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** `Retry-After` in milliseconds, where it is given in seconds. */
export function retryAfterMs(headers: Dispatcher.ResponseData["headers"]): number | undefined {
  const value = headers["retry-after"];
  const seconds = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
  return seconds === undefined ? undefined : seconds * 1000;
}

/** JSON text as a value, or `undefined` where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A network failure in a few words for the log: the system's error code where there is one. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error && inner.message !== "") return describeFailure(inner);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}
