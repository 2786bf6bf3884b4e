/** A real HTTP server that speaks the proxy's side of the agent protocol, as honestly or as badly as a test wants. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import {
  agentPostSchema,
  type AgentMessage,
  type AgentRequest,
  type ConnectedEvent,
  type MessageResult,
  type PostAnswer,
  type SequencedMessage,
} from "../../../src/lib/agent/types.ts";

export const TEST_SECRET = "a-secret-of-the-tests";

/** One POST as it arrived. */
export interface ReceivedPost {
  readonly messages: readonly AgentMessage[];
  readonly headers: IncomingMessage["headers"];
  readonly bytes: number;
}

export type PostScript = (post: ReceivedPost, response: ServerResponse, proxy: ScriptedProxy) => void;

/** Listens on a port of 127.0.0.1, a free one unless told otherwise. */
export async function startScriptedProxy(port = 0): Promise<ScriptedProxy> {
  const proxy = new ScriptedProxy();
  await proxy.listen(port);
  return proxy;
}

/** Commits messages as the protocol says, unless a script for the next POST says otherwise. */
export class ScriptedProxy {
  /** Consumed one per POST; when empty, the honest answer is given. */
  readonly postScripts: PostScript[] = [];
  /** Consumed one per connect; when empty, the stream opens and `connected` is sent. */
  readonly connectScripts: ((response: ServerResponse, request: IncomingMessage) => void)[] = [];
  readonly posts: ReceivedPost[] = [];
  readonly connects: IncomingMessage["headers"][] = [];
  /** Committed messages per request, in order. */
  readonly committed = new Map<string, SequencedMessage[]>();
  /** Bodies by path, for `inputUrl`. */
  readonly inputs = new Map<string, string>();
  connected: Partial<ConnectedEvent> = {};
  cancels: PostAnswer["cancels"] = [];
  #stream: ServerResponse | undefined;
  #sessions = 0;
  readonly #server: Server;
  #watchers: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  get url(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Sends an SSE event on the present stream. */
  send(event: string, data: unknown): void {
    this.#stream?.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  request(requestId: string, overrides: Partial<AgentRequest> = {}): void {
    this.send("request", {
      requestId,
      attempt: 1,
      model: "sonnet",
      stream: true,
      body: { model: "sonnet", messages: [{ role: "user", content: "Hello" }] },
      firstEventTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
      deadlineMs: 20_000,
      ...overrides,
    });
  }

  /** Cuts the stream's socket. */
  cutStream(): void {
    this.#stream?.destroy();
  }

  /** Opens the stream as the protocol says. */
  accept(response: ServerResponse): void {
    this.#sessions += 1;
    this.#stream = response;
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    this.send("connected", {
      agentId: "test",
      sessionId: `session-${this.#sessions}`,
      protocol: 1,
      pingIntervalMs: 30_000,
      resumeGraceMs: 5000,
      limits: { maxPostBytes: 4 * 1024 * 1024, maxBatchMessages: 1000 },
      resume: [...this.committed].map(([requestId, messages]) => ({ requestId, ackedSeq: messages.length })),
      ...this.connected,
    });
  }

  /** Commits a POST and answers what the protocol says. */
  commit(post: ReceivedPost): PostAnswer {
    const results = new Map<string, MessageResult>();
    for (const message of post.messages) {
      if (message.type === "hello" || message.type === "heartbeat" || message.type === "goodbye") continue;
      const list = this.committed.get(message.requestId) ?? [];
      this.committed.set(message.requestId, list);
      const expected = list.length + 1;
      if (message.seq === expected) list.push(message);
      const status = message.seq === expected ? "committed" : message.seq < expected ? "duplicate" : "gap";
      results.set(message.requestId, { requestId: message.requestId, status, ackedSeq: list.length });
    }
    return { results: [...results.values()], cancels: this.cancels };
  }

  /** All deltas' content of a request, in order. */
  text(requestId: string): string {
    const deltas = (this.committed.get(requestId) ?? []).flatMap((message) =>
      message.type === "chunk" ? message.deltas : [],
    );
    return deltas.map((delta) => delta.content ?? "").join("");
  }

  last(requestId: string): SequencedMessage | undefined {
    return this.committed.get(requestId)?.at(-1);
  }

  /** All messages of a type, committed or not. */
  received<Type extends AgentMessage["type"]>(type: Type): Extract<AgentMessage, { type: Type }>[] {
    return this.posts
      .flatMap((post) => post.messages)
      .filter((message): message is Extract<AgentMessage, { type: Type }> => message.type === type);
  }

  /** Resolves as soon as the condition holds; it is checked at everything that happens here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("close", () => this.#happened());
    if (request.headers.authorization !== `Bearer ${TEST_SECRET}`) {
      answerJson(response, 401, { error: { message: "Wrong or missing agent secret.", code: "invalid_api_key" } });
    } else if (request.url === "/api/agent/connect") {
      this.connects.push(request.headers);
      const script = this.connectScripts.shift();
      if (script === undefined) this.accept(response);
      else script(response, request);
    } else if (request.url === "/api/agent/response") {
      await this.#handlePost(request, response);
    } else {
      const input = this.inputs.get(request.url ?? "");
      response.writeHead(input === undefined ? 404 : 200, { "content-type": "application/json" }).end(input ?? "{}");
    }
    this.#happened();
  }

  async #handlePost(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part as Uint8Array));
    const body = Buffer.concat(parts);
    const parsed = agentPostSchema.parse(JSON.parse(body.toString("utf8")));
    const post = { messages: [parsed].flat(), headers: request.headers, bytes: body.length };
    this.posts.push(post);
    const script = this.postScripts.shift();
    if (script === undefined) answerJson(response, 200, this.commit(post));
    else script(post, response, this);
  }

  #happened(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const resolve of watchers) resolve();
  }
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A script: takes the messages, but the answer is lost on its way. */
export const loseAnswer: PostScript = (post, response, proxy) => {
  proxy.commit(post);
  response.destroy();
};

/** A script: takes nothing and answers a status. */
export const answerStatus =
  (status: number): PostScript =>
  (_post, response) =>
    answerJson(response, status, { error: { message: "scripted" } });
