/** A real HTTP hop between one agent and the server that breaks what passes as a plan says. */
import { once } from "node:events";
import { Agent, createServer, request, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { AGENT_HEADERS } from "../../lib/agent/types.ts";
import { EventRewriter, rewriteAnswer, rewritePost } from "./dialects.ts";
import { breakNear, readAll, send, write, type Answer } from "./relay-io.ts";
import { StreamBreaker } from "./stream-breaker.ts";
import type { LinePlan, NetworkFault, PlannedPost, PlannedStream } from "./faults.ts";

export interface FaultProxyOptions {
  /** Port of the server on 127.0.0.1. */
  readonly port: number;
  readonly plan: LinePlan;
  /** The protocol that the agent says it speaks, instead of its own. */
  readonly protocol?: number;
  /** Called at the moment a fault takes effect. */
  readonly onFault: (fault: NetworkFault, detail: string) => void;
}

export interface FaultProxy {
  readonly url: string;
  /** From now on everything passes; what is held back is let go. */
  calm(): void;
  /** Breaks everything and lets nothing in any more: for the agent that uses it, the network is gone for good. */
  kill(): void;
  /** From now on every POST is lost, or none is any more. */
  cutPosts(areCut: boolean): void;
  /** Breaks what passes and lets new connections through to another server. */
  retarget(port: number): void;
  close(): Promise<void>;
}

interface Held {
  /** POSTs that still have to pass before it. */
  overtakers: number;
  readonly release: () => void;
}

/** No held or late message waits longer than this, in milliseconds. */
const LATE_MS = 300;
/** How long the server is left in the belief that a half-closed stream is open, in milliseconds. */
const HALF_CLOSED_MS = 250;

const CALM: LinePlan = { posts: new Map(), streams: new Map(), lostInputs: 0 };

/** Listens on a free port of 127.0.0.1. */
export async function createFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const line = new FaultLine(options);
  return await line.open();
}

class FaultLine {
  readonly #onFault: FaultProxyOptions["onFault"];
  readonly #pool = new Agent({ keepAlive: true });
  readonly #near = new Set<Socket>();
  readonly #closing = new AbortController();
  readonly #server = createServer((incoming, response) => {
    response.on("error", () => undefined);
    this.#relay(incoming, response).catch(() => response.destroy());
  });
  #far = new AbortController();
  #port: number;
  #plan: LinePlan;
  #posts = 0;
  #streams = 0;
  #inputs = 0;
  #held: Held[] = [];
  #stalledUntil: Promise<void> | undefined;
  #calmed = new AbortController();
  #isDead = false;
  #arePostsCut = false;
  readonly #protocol: number | undefined;

  constructor({ port, plan, onFault, protocol }: FaultProxyOptions) {
    this.#port = port;
    this.#protocol = protocol;
    this.#plan = plan;
    this.#onFault = onFault;
  }

  async open(): Promise<FaultProxy> {
    this.#server.on("connection", (socket: Socket) => {
      if (this.#isDead) {
        socket.resetAndDestroy();
        return;
      }
      this.#near.add(socket);
      socket.on("close", () => this.#near.delete(socket));
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return {
      url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      calm: () => {
        this.#plan = CALM;
        this.#calmed.abort();
        this.#releaseAll();
      },
      kill: () => {
        this.#isDead = true;
        this.#breakAll();
      },
      cutPosts: (areCut) => {
        this.#arePostsCut = areCut;
      },
      retarget: (port) => {
        this.#port = port;
        this.#breakAll();
      },
      close: () => this.#close(),
    };
  }

  #breakAll(): void {
    this.#far.abort();
    this.#far = new AbortController();
    for (const socket of this.#near) socket.resetAndDestroy();
  }

  async #close(): Promise<void> {
    this.#isDead = true;
    this.#closing.abort();
    this.#calmed.abort();
    this.#releaseAll();
    this.#breakAll();
    this.#pool.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #releaseAll(): void {
    const held = this.#held;
    this.#held = [];
    for (const { release } of held) release();
  }

  async #relay(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#stalledUntil;
    if (incoming.url === "/api/agent/connect") await this.#relayStream(incoming, response);
    else if (incoming.method === "POST") await this.#relayPost(incoming, response);
    else await this.#relayInput(incoming, response);
  }

  async #relayInput(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inputs += 1;
    if (this.#inputs <= this.#plan.lostInputs) {
      this.#onFault("input lost", `fetch ${this.#inputs}`);
      breakNear(incoming, true);
      return;
    }
    send(response, await this.#exchange(incoming, Buffer.alloc(0), this.#pool));
  }

  async #relayPost(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = rewritePost(this.#plan.dialect, await readAll(incoming));
    if (this.#arePostsCut) {
      breakNear(incoming, true);
      return;
    }
    const index = this.#posts;
    this.#posts += 1;
    const planned = this.#plan.posts.get(index);
    if (planned === undefined) {
      const answer = await this.#exchange(incoming, body, this.#pool);
      if (answer.body.includes('"status":"held"')) this.#onFault("agent held back", `POST ${index}`);
      send(response, answer);
    } else await this.#failPost({ incoming, response, body, index, planned });
    for (const held of this.#held) held.overtakers -= 1;
    const ready = this.#held.filter((held) => held.overtakers < 0);
    this.#held = this.#held.filter((held) => held.overtakers >= 0);
    for (const { release } of ready) release();
  }

  async #failPost(post: {
    readonly incoming: IncomingMessage;
    readonly response: ServerResponse;
    readonly body: Buffer;
    readonly index: number;
    readonly planned: PlannedPost;
  }): Promise<void> {
    const { incoming, response, body, index } = post;
    const { fault, ms, reset } = post.planned;
    const fired = (): void => this.#onFault(fault, `POST ${index}, ${body.length} bytes, ${ms} ms`);
    const pass = (): Promise<Answer> => this.#exchange(incoming, body, this.#pool);
    const passLate = (overtakers: number): void => {
      void this.#later(overtakers).then(() => this.#exchange(incoming, body, undefined).catch(() => undefined));
    };
    switch (fault) {
      case "post lost":
        fired();
        breakNear(incoming, reset);
        break;
      case "post cut short":
        fired();
        await this.#sendHalf(incoming, body);
        breakNear(incoming, reset);
        break;
      case "answer lost":
        await pass();
        fired();
        breakNear(incoming, reset);
        break;
      case "answer cut short": {
        const answer = await pass();
        fired();
        response.writeHead(answer.status, { "content-type": answer.contentType, "content-length": answer.body.length });
        response.write(answer.body.subarray(0, answer.body.length / 2), () => breakNear(incoming, reset));
        break;
      }
      case "post duplicated": {
        fired();
        const [answer] = await Promise.all([pass(), this.#exchange(incoming, body, undefined).catch(() => undefined)]);
        send(response, answer);
        break;
      }
      case "post replayed late": {
        send(response, await pass());
        fired();
        passLate(1 + (ms % 3));
        break;
      }
      case "post overtaken":
        fired();
        breakNear(incoming, reset);
        passLate(1);
        break;
      case "post delayed":
        fired();
        await this.#pause(ms);
        send(response, await pass());
        break;
      case "answer delayed": {
        const answer = await pass();
        fired();
        await this.#pause(ms);
        send(response, answer);
        break;
      }
      case "line stalled, short":
      case "line stalled, long":
        fired();
        this.#stalledUntil ??= this.#pause(ms).then(() => {
          this.#stalledUntil = undefined;
        });
        await this.#stalledUntil;
        // Even if the agent has given the POST up meanwhile, its bytes were on their way.
        send(response, await pass());
        break;
    }
  }

  /** Ends early when the line is calmed or closed. */
  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#calmed.signal }).catch(() => undefined);
  }

  /** Resolves after so many further POSTs, or after a while. */
  async #later(overtakers: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LATE_MS);
      this.#held.push({
        overtakers,
        release: () => {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }

  #outgoing(incoming: IncomingMessage, length: number, pool: Agent | undefined): ClientRequest {
    const outgoing = request({
      host: "127.0.0.1",
      port: this.#port,
      method: incoming.method,
      path: incoming.url,
      headers: {
        ...incoming.headers,
        ...(this.#protocol !== undefined && { [AGENT_HEADERS.protocol]: String(this.#protocol) }),
        connection: "keep-alive",
        "content-length": length,
      },
      agent: pool ?? false,
      signal: AbortSignal.any([this.#closing.signal, this.#far.signal]),
    });
    // Who awaits the answer hears of it there; afterwards a broken connection is what was asked for.
    outgoing.on("error", () => undefined);
    return outgoing;
  }

  async #exchange(incoming: IncomingMessage, body: Buffer, pool: Agent | undefined): Promise<Answer> {
    if (this.#isDead) throw new Error("the line is dead");
    const outgoing = this.#outgoing(incoming, body.length, pool);
    outgoing.end(body);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    return {
      status: answer.statusCode ?? 502,
      contentType: answer.headers["content-type"] ?? "application/json",
      body: rewriteAnswer(this.#plan.dialect, await readAll(answer)),
    };
  }

  async #sendHalf(incoming: IncomingMessage, body: Buffer): Promise<void> {
    const outgoing = this.#outgoing(incoming, body.length, undefined);
    await new Promise<void>((resolve) => outgoing.write(body.subarray(0, body.length / 2), () => resolve()));
    outgoing.destroy();
  }

  async #relayStream(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const planned = this.#plan.streams.get(this.#streams);
    this.#streams += 1;
    const outgoing = this.#outgoing(incoming, 0, undefined);
    response.on("close", () => {
      if (!response.writableEnded) outgoing.destroy();
    });
    outgoing.end();
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    const breaker = planned === undefined ? undefined : new StreamBreaker(planned, this.#onFault);
    const { dialect } = this.#plan;
    if (dialect !== undefined) this.#onFault(dialect, "a stream");
    const rewriter = dialect === undefined ? undefined : new EventRewriter(dialect);
    for await (const part of answer) {
      await this.#stalledUntil;
      const raw = Buffer.from(part as Uint8Array);
      const bytes = rewriter?.take(raw) ?? raw;
      const { pass, isBroken } = breaker?.take(bytes) ?? { pass: [bytes], isBroken: false };
      for (const piece of pass) await write(response, piece);
      if (isBroken && planned !== undefined) {
        await this.#breakStream(planned, incoming, response, () => outgoing.destroy());
        return;
      }
    }
    response.end();
  }

  async #breakStream(
    { fault, reset }: PlannedStream,
    incoming: IncomingMessage,
    response: ServerResponse,
    breakFar: () => void,
  ): Promise<void> {
    if (fault === "stream half closed") {
      response.end();
      await this.#pause(HALF_CLOSED_MS);
      breakFar();
    } else if (fault === "stream muted") {
      breakFar();
      // The agent must find out by itself.
      if (!response.destroyed) await once(response, "close");
    } else {
      breakFar();
      breakNear(incoming, reset);
    }
  }
}
