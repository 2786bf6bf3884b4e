import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createRequestReader, type WireRequest } from "./request-reader.ts";

/** One step of an answer at the level of the wire: nothing is added, encoded or checked. */
export type WireStep =
  | string
  | Buffer
  | { readonly pauseMs: number }
  /** Each byte in a write of its own, with a turn of the event loop between. */
  | { readonly bytewise: string | Buffer }
  /** The same bytes again and again until the other side closes. */
  | { readonly forever: string; readonly everyMs: number };

/** What is sent for a request, and what becomes of the connection then: `keep` waits for the next request on it. */
export interface WireScript {
  readonly steps: readonly WireStep[];
  readonly end: "keep" | "close" | "reset" | "hang";
}

export interface WireServer {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** How many requests named this model. */
  attempts(model: string): number;
  /** Resolves once no exchange is under way: each socket was closed, or is free for another request. Rejects after `ms`. */
  settled(ms: number): Promise<void>;
  /** Stops listening and closes what is open: whoever connects next is refused. */
  close(): Promise<void>;
}

/** A server that sends any bytes for a request, valid or not. `answer` is asked once a request has come in whole. */
export async function startWireServer(answer: (request: WireRequest) => WireScript): Promise<WireServer> {
  const sockets = new Set<Socket>();
  const attempts = new Map<string, number>();
  /** Model by socket. */
  const underWay = new Map<Socket, string>();

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const read = createRequestReader();
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      underWay.delete(socket);
    });
    socket.on("data", (bytes: Buffer) => {
      const request = read(bytes);
      if (request === undefined) return;
      attempts.set(request.model, (attempts.get(request.model) ?? 0) + 1);
      underWay.set(socket, request.model);
      void play(socket, answer(request)).then((isFree) => {
        if (isFree) underWay.delete(socket);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attempts: (model) => attempts.get(model) ?? 0,
    settled: async (ms) => {
      const giveUpAt = performance.now() + ms;
      while (underWay.size > 0) {
        if (performance.now() > giveUpAt)
          throw new Error(`sockets left behind by ${[...underWay.values()].join(", ")}`);
        await sleep(20);
      }
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Whether the socket is free for another request afterwards. */
async function play(socket: Socket, script: WireScript): Promise<boolean> {
  for (const step of script.steps) {
    await playStep(socket, step);
    if (socket.destroyed) return false;
  }
  if (script.end === "close") socket.end();
  if (script.end === "reset") socket.resetAndDestroy();
  return script.end === "keep";
}

async function playStep(socket: Socket, step: WireStep): Promise<void> {
  if (typeof step === "string" || Buffer.isBuffer(step)) return write(socket, step);
  if ("pauseMs" in step) {
    await sleep(step.pauseMs);
    return;
  }
  if ("bytewise" in step) {
    for (const byte of Buffer.from(step.bytewise)) {
      await write(socket, Buffer.of(byte));
      await nextTurn();
    }
    return;
  }
  while (!socket.destroyed) {
    await write(socket, step.forever);
    await sleep(step.everyMs);
  }
}

function write(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(bytes, () => resolve());
  });
}
