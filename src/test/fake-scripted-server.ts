import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One step of a scripted body: bytes to write, a pause in milliseconds, or a promise to wait for. */
export type ScriptStep = string | Buffer | { readonly delayMs: number } | { readonly until: Promise<unknown> };

/** What a fake upstream does with one request. */
export type ScriptedReply =
  /** Answers with JSON. */
  | { readonly json: unknown; readonly status?: number; readonly headers?: Record<string, string> }
  /** Writes a body step by step; `end` says what follows the last step (default `close`: the proper end). */
  | {
      readonly steps: readonly ScriptStep[];
      readonly status?: number;
      /** Default `content-type: text/event-stream`. */
      readonly headers?: Record<string, string>;
      readonly end?: "close" | "drop" | "hang";
    }
  /** `drop` closes the connection without an answer, `hang` never answers. */
  | { readonly fail: "drop" | "hang" };

/** A request as the fake received it. */
export interface ReceivedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's end of the connection: equal for requests that share one. */
  readonly remotePort: number | undefined;
  readonly text: string;
  /** The body parsed as JSON; `undefined` when it is none. */
  readonly body: unknown;
  /** When all of it was here, in milliseconds of `performance.now`. */
  readonly receivedAt: number;
  /** Steps written and taken by the socket so far: stands still while the client does not read. */
  stepsWritten: number;
  /** Resolves when the exchange is over: `finished` when the whole answer was sent, `cut` when the socket closed before. */
  readonly closed: Promise<"finished" | "cut">;
}

export interface ScriptedServer {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** Every scripted request so far, in order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Adds the reply for the next request that has none yet. Without any, `fallback` answers. */
  enqueue(...replies: readonly ScriptedReply[]): void;
  /** The request with that number, counted from 0, as soon as it has arrived. */
  request(index: number): Promise<ReceivedRequest>;
  /** Closes every connection and the port. */
  close(): Promise<void>;
}

export interface ScriptedServerOptions {
  /** Answers requests for which nothing was enqueued. */
  readonly fallback: (request: ReceivedRequest) => ScriptedReply;
  /** Answers requests outside the script, such as model lists; they are not recorded. */
  readonly aside?: (request: ReceivedRequest) => ScriptedReply | undefined;
}

/** A real HTTP server on 127.0.0.1 whose answers are scripted request by request: the base of the fake upstreams. */
export async function startScriptedServer(options: ScriptedServerOptions): Promise<ScriptedServer> {
  const requests: ReceivedRequest[] = [];
  const replies: ScriptedReply[] = [];
  const waiting = new Map<number, (request: ReceivedRequest) => void>();

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await receive(message, response);
    const aside = options.aside?.(request);
    if (aside !== undefined) {
      await play(aside, request, response);
      return;
    }
    const index = requests.push(request) - 1;
    const reply = replies.shift() ?? options.fallback(request);
    waiting.get(index)?.(request);
    await play(reply, request, response);
  }

  const server = createServer((message, response) => {
    // A client that goes away in mid-request is part of what is tested.
    handle(message, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    enqueue: (...more) => void replies.push(...more),
    request: (index) => {
      const request = requests[index];
      if (request !== undefined) return Promise.resolve(request);
      return new Promise((resolve) => waiting.set(index, resolve));
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function receive(message: IncomingMessage, response: ServerResponse): Promise<ReceivedRequest> {
  const closed = new Promise<"finished" | "cut">((resolve) => {
    response.once("close", () => resolve(response.writableFinished ? "finished" : "cut"));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return {
    method: message.method ?? "",
    path: message.url ?? "",
    headers: message.headers,
    remotePort: message.socket.remotePort,
    text,
    body: parseJson(text),
    receivedAt: performance.now(),
    stepsWritten: 0,
    closed,
  };
}

async function play(reply: ScriptedReply, request: ReceivedRequest, response: ServerResponse): Promise<void> {
  if ("fail" in reply) {
    if (reply.fail === "drop") response.destroy();
    return;
  }
  if ("json" in reply) {
    response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
    response.end(JSON.stringify(reply.json));
    return;
  }
  response.writeHead(reply.status ?? 200, { "content-type": "text/event-stream", ...reply.headers });
  response.flushHeaders();
  for (const step of reply.steps) {
    if (typeof step === "string" || Buffer.isBuffer(step)) {
      // Waiting for each write keeps the steps apart on the wire, and lets none get lost in a `drop`.
      await Promise.race([new Promise((resolve) => response.write(step, resolve)), request.closed]);
    } else if ("delayMs" in step) {
      await sleep(step.delayMs);
    } else {
      await Promise.race([step.until, request.closed]);
    }
    if (response.destroyed) return;
    request.stepsWritten += 1;
  }
  if (reply.end === "drop") response.destroy();
  else if (reply.end !== "hang") response.end();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
