import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import {
  AGENT_HEADERS,
  PROTOCOL_VERSION,
  SERVER_EVENTS,
  type AgentMessage,
  type HelloMessage,
  type PostAnswer,
  type ServerEventName,
} from "../lib/agent/types.ts";
import type { z } from "zod";

type ServerEvent<Name extends ServerEventName> = z.infer<(typeof SERVER_EVENTS)[Name]>;

export interface FakeAgentOptions {
  /** Of the proxy. */
  readonly url: string;
  readonly secret: string;
  readonly agentId?: string;
  readonly instance?: string;
  /** Further headers, or other values for those that an agent sends. */
  readonly headers?: Record<string, string>;
  /** Whether pings are answered by heartbeats, as an agent must; default true. */
  readonly answersPings?: boolean;
}

export interface FakeAgentAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A scripted agent over real sockets: it does only what the test says, apart from answering pings. */
export class FakeAgent {
  readonly agentId: string;
  readonly instance: string;
  readonly #options: FakeAgentOptions;
  readonly #arrivals = new EventEmitter();
  readonly #unread: { name: string; data: unknown }[] = [];
  #stream: IncomingMessage | undefined;

  constructor(options: FakeAgentOptions) {
    this.agentId = options.agentId ?? "laptop";
    this.instance = options.instance ?? randomUUID();
    this.#options = options;
    this.#arrivals.setMaxListeners(0);
  }

  /** Opens the stream; answers the refusal when there is none, else the `connected` event. */
  async connect(): Promise<ServerEvent<"connected">> {
    const refusal = await this.tryConnect();
    if (refusal !== undefined) throw new Error(`connect was answered ${refusal.status}: ${refusal.text}`);
    return await this.event("connected");
  }

  /** Opens the stream; undefined when it stands. */
  async tryConnect(): Promise<FakeAgentAnswer | undefined> {
    const response = await this.#request("GET", "/api/agent/connect");
    if (response.statusCode !== 200) return await readAnswer(response);
    this.#stream = response;
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: ({ event, data }) => {
        this.#unread.push({ name: event ?? "", data: JSON.parse(data) });
        this.#arrivals.emit("event");
        if (event === "ping" && this.#options.answersPings !== false) void this.#heartbeat(JSON.parse(data).now);
      },
    });
    response.on("data", (chunk: Buffer) => parser.feed(decoder.decode(chunk, { stream: true })));
    response.on("error", () => undefined);
    return undefined;
  }

  /** Connects and says hello. */
  async start(hello: Partial<HelloMessage> = {}): Promise<ServerEvent<"connected">> {
    const connected = await this.connect();
    await this.hello(hello);
    return connected;
  }

  async hello(changes: Partial<HelloMessage> = {}): Promise<PostAnswer> {
    return await this.post({
      type: "hello",
      version: "1.0.0",
      platform: "linux-x64",
      clis: [{ name: "claude", version: "2.1.0", ready: true }],
      models: ["sonnet", "claude-*"],
      maxConcurrency: 2,
      inFlight: [],
      ...changes,
    });
  }

  /** The next event of this name that was not read yet; those of other names stay. */
  async event<Name extends ServerEventName>(name: Name): Promise<ServerEvent<Name>> {
    for (;;) {
      const index = this.#unread.findIndex((event) => event.name === name);
      const [event] = index === -1 ? [] : this.#unread.splice(index, 1);
      if (event !== undefined) return SERVER_EVENTS[name].parse(event.data) as ServerEvent<Name>;
      await once(this.#arrivals, "event");
    }
  }

  /** The names of the events that no test has read. */
  get unread(): string[] {
    return this.#unread.map(({ name }) => name).filter((name) => name !== "ping");
  }

  /** Posts messages and answers what the proxy said of them. */
  async post(messages: AgentMessage | readonly AgentMessage[]): Promise<PostAnswer> {
    const answer = await this.send("POST", "/api/agent/response", JSON.stringify(messages));
    return JSON.parse(answer.text);
  }

  /** Posts messages and cuts the connection without reading the answer, which the proxy has sent by then. */
  async postAndLoseAnswer(messages: AgentMessage | readonly AgentMessage[]): Promise<void> {
    const response = await this.#request("POST", "/api/agent/response", JSON.stringify(messages));
    response.destroy();
  }

  /** Any request with an agent's headers. */
  async send(method: string, path: string, body?: string): Promise<FakeAgentAnswer> {
    return await readAnswer(await this.#request(method, path, body));
  }

  /** Cuts the stream, as a lost network or a killed process does. */
  async drop(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed) return;
    stream.destroy();
    if (!stream.closed) await once(stream, "close");
  }

  /** Stops reading the stream, as a stopped process does. */
  freeze(): void {
    this.#stream?.pause();
  }

  /** Resolves once the proxy has ended the stream. */
  async ended(): Promise<void> {
    if (this.#stream !== undefined && !this.#stream.closed) await once(this.#stream, "close");
  }

  async #heartbeat(pingNow: number): Promise<void> {
    await this.post({ type: "heartbeat", pingNow }).catch(() => undefined);
  }

  async #request(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const outgoing = httpRequest(`${this.#options.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#options.secret}`,
        [AGENT_HEADERS.id]: this.agentId,
        [AGENT_HEADERS.instance]: this.instance,
        [AGENT_HEADERS.protocol]: String(PROTOCOL_VERSION),
        [AGENT_HEADERS.version]: "1.0.0",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...this.#options.headers,
      },
    });
    // The proxy may answer and close before it has read all of a body.
    outgoing.on("error", () => undefined);
    outgoing.end(body);
    const [response] = await once(outgoing, "response");
    return response;
  }
}

async function readAnswer(response: IncomingMessage): Promise<FakeAgentAnswer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString("utf8") };
}
