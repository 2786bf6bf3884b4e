import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { runExchange } from "./exchange.ts";

const open: (Server | Agent)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) {
    if (each instanceof Agent) await each.destroy();
    else each.closeAllConnections();
    if (!(each instanceof Agent)) each.close();
  }
});

async function listen(listener: RequestListener): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  open.push(server);
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function client(options: ConstructorParameters<typeof Agent>[0] = {}): Agent {
  const agent = new Agent(options);
  open.push(agent);
  return agent;
}

const get = (origin: string) => ({ origin, path: "/", method: "GET" as const });
const never = new AbortController().signal;

describe("runExchange", () => {
  it("reads a text whose pieces cut a character in two", async () => {
    const bytes = Buffer.from("h\u00e9llo");
    const { origin } = await listen((_request, response) => {
      response.statusCode = 404;
      response.setHeader("retry-after", "7");
      response.write(bytes.subarray(0, 2), () => setImmediate(() => response.end(bytes.subarray(2))));
    });
    const answer = await runExchange(client(), { request: get(origin), signal: never, maxBytes: 100 });
    expect(answer).toMatchObject({ status: 404, text: "h\u00e9llo", headers: { "retry-after": "7" } });
  });

  it("takes the answer after an interim one", async () => {
    const { origin } = await listen((_request, response) => {
      response.writeEarlyHints({ link: "</x>" });
      response.end("ok");
    });
    const answer = await runExchange(client(), { request: get(origin), signal: never, maxBytes: 100 });
    expect(answer).toMatchObject({ status: 200, text: "ok" });
  });

  it("rejects an answer over the bound and closes its connection", async () => {
    const { server, origin } = await listen((_request, response) => response.write("x".repeat(101)));
    const closed = once(server, "connection").then(
      ([socket]) => new Promise((resolve) => (socket as Socket).on("error", () => undefined).on("close", resolve)),
    );
    const exchange = runExchange(client(), { request: get(origin), signal: never, maxBytes: 100 });
    await expect(exchange).rejects.toThrow("the answer is longer than 100 bytes");
    await closed;
  });

  it("rejects with the signal's reason and closes the connection when it aborts in mid-answer", async () => {
    const abort = new AbortController();
    const reason = new Error("given up");
    const { server, origin } = await listen((_request, response) => {
      response.write("x", () => abort.abort(reason));
    });
    const closed = once(server, "connection").then(
      ([socket]) => new Promise((resolve) => (socket as Socket).on("error", () => undefined).on("close", resolve)),
    );
    const exchange = runExchange(client(), { request: get(origin), signal: abort.signal, maxBytes: 100 });
    await expect(exchange).rejects.toBe(reason);
    await closed;
  });

  it("never sends a request that was aborted before or while it waited for a connection", async () => {
    let served = 0;
    const { origin } = await listen((_request, response) => {
      served += 1;
      response.end("ok");
    });
    const agent = client({ connections: 1 });
    const [abort, reason] = [new AbortController(), new Error("given up")];
    const first = runExchange(agent, { request: get(origin), signal: never, maxBytes: 100 });
    const second = runExchange(agent, { request: get(origin), signal: abort.signal, maxBytes: 100 });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(runExchange(agent, { request: get(origin), signal: abort.signal, maxBytes: 100 })).rejects.toBe(
      reason,
    );
    await first;
    await runExchange(agent, { request: get(origin), signal: never, maxBytes: 100 });
    expect(served).toBe(2);
  });

  it("rejects when the connection breaks or nothing listens", async () => {
    const { server, origin } = await listen((request) => request.socket.destroy());
    const agent = client();
    await expect(runExchange(agent, { request: get(origin), signal: never, maxBytes: 100 })).rejects.toThrow();
    server.close();
    await once(server, "close");
    await expect(runExchange(agent, { request: get(origin), signal: never, maxBytes: 100 })).rejects.toThrow(
      "ECONNREFUSED",
    );
  });
});
