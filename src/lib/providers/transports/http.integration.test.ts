import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startScriptedServer, type ScriptedServer } from "../../../test/fake-scripted-server.ts";
import { GatewayError } from "../../http/errors.ts";
import { createHttpClient, type HttpClient, type HttpRequest } from "./http.ts";

let upstream: ScriptedServer;
let client: HttpClient;

beforeEach(async () => {
  upstream = await startScriptedServer({ fallback: () => ({ json: { ok: true } }) });
  client = createHttpClient(upstream.origin);
});

afterEach(async () => {
  await client.close();
  await upstream.close();
});

function createRequest(fields: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "POST",
    path: "/",
    headers: {},
    body: Buffer.from("{}"),
    signal: new AbortController().signal,
    timeouts: { connectMs: 5000, firstOutputMs: 5000, idleMs: 5000, totalMs: 5000 },
    translateError: ({ status, body }) => new GatewayError("upstream_error", `${status}: ${body}`),
    ...fields,
  };
}

const failure = (fields: Record<string, unknown>) => expect.objectContaining(fields);

describe("a connection that does not come about", () => {
  let silent: Server;
  let stalled: HttpClient;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    // Takes TCP connections and never answers the TLS handshake.
    silent = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
    }).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    stalled = createHttpClient(`https://127.0.0.1:${address.port}`);
  });

  afterEach(async () => {
    await stalled.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    silent.close();
  });

  it("is given up by the connect clock", async () => {
    const timeouts = { connectMs: 100, firstOutputMs: 5000, idleMs: 5000, totalMs: 5000 };
    await expect(stalled.requestJson(createRequest({ timeouts }))).rejects.toEqual(
      failure({ code: "upstream_timeout", message: "Timed out connecting to the upstream." }),
    );
  });

  it("is given up at once by an abort, with the signal's own error", async () => {
    const controller = new AbortController();
    const done = stalled.requestJson(createRequest({ signal: controller.signal }));
    await once(silent, "connection");
    controller.abort(new GatewayError("deadline_exceeded", "Too late."));
    await expect(done).rejects.toEqual(failure({ code: "deadline_exceeded" }));
  });
});

describe("a large body", () => {
  const body = (): Buffer => Buffer.from(JSON.stringify({ text: "é".repeat(500_000) }));

  it("arrives whole and with its length, and the connection serves the next one", async () => {
    await client.requestJson(createRequest({ body: body() }));
    await sleep(10);
    await client.requestJson(createRequest({ body: body() }));
    const [first, second] = [await upstream.request(0), await upstream.request(1)];
    expect(first.text).toBe(body().toString());
    expect(first.headers["content-length"]).toBe(String(body().length));
    expect(first.headers["transfer-encoding"]).toBeUndefined();
    expect(second.remotePort).toBe(first.remotePort);
  });

  it("that the upstream does not take is given up at once by an abort", async () => {
    const deaf = createServer((socket) => void socket.on("error", () => {}).pause()).listen(0, "127.0.0.1");
    await once(deaf, "listening");
    const address = deaf.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const sender = createHttpClient(`http://127.0.0.1:${address.port}`);
    const controller = new AbortController();
    const request = createRequest({ body: Buffer.alloc(32_000_000), signal: controller.signal });
    const done = sender.requestJson(request);
    const [socket] = (await once(deaf, "connection")) as [Socket];
    controller.abort(new GatewayError("deadline_exceeded", "Too late."));
    await expect(done).rejects.toEqual(failure({ code: "deadline_exceeded" }));
    await sender.close();
    socket.destroy();
    deaf.close();
  });

  it("is not kept by its request once it was handed on", async () => {
    const request = createRequest({ body: body() });
    await client.requestJson(request);
    expect(request.body).toBeUndefined();
  });
});

describe("an answer", () => {
  it("that is larger than allowed ends the request", async () => {
    const steps = Array.from({ length: 50 }, () => "x".repeat(1024));
    upstream.enqueue({ steps, headers: { "content-type": "application/json" }, end: "hang" });
    await expect(client.requestJson(createRequest(), 10_000)).rejects.toEqual(
      failure({ code: "upstream_invalid_response" }),
    );
    expect(await (await upstream.request(0)).closed).toBe("cut");
  });

  it("that breaks off is upstream_incomplete", async () => {
    upstream.enqueue({ steps: ["{"], headers: { "content-type": "application/json" }, end: "drop" });
    await expect(client.requestJson(createRequest())).rejects.toEqual(failure({ code: "upstream_incomplete" }));
  });

  it("that is compressed unasked is refused", async () => {
    upstream.enqueue({ json: {}, headers: { "content-encoding": "gzip" } });
    await expect(client.requestJson(createRequest())).rejects.toEqual(failure({ code: "upstream_invalid_response" }));
  });

  it("with a failed status goes to the translator, cut at 64 KiB", async () => {
    upstream.enqueue({ status: 500, steps: ["x".repeat(200_000)] });
    await expect(client.requestJson(createRequest())).rejects.toEqual(
      failure({ message: `500: ${"x".repeat(64 * 1024)}` }),
    );
  });

  it("whose reader throws ends the request with what was thrown", async () => {
    upstream.enqueue({ steps: ["data: 1\n\n"], end: "hang" });
    const thrown = new GatewayError("upstream_invalid_response", "mine");
    const done = client.openStream(createRequest(), {
      onData: () => {
        throw thrown;
      },
      onEnd: () => {},
    });
    await expect(done).rejects.toBe(thrown);
    expect(await (await upstream.request(0)).closed).toBe("cut");
  });

  it("of a redirect is a failure: credentials never follow one", async () => {
    upstream.enqueue({ status: 307, json: {}, headers: { location: "http://127.0.0.1:1/" } });
    await expect(client.requestJson(createRequest())).rejects.toEqual(failure({ message: "307: {}" }));
  });
});
