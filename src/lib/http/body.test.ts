import { EventEmitter, once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readBody } from "./body.ts";
import type { HttpRequest } from "./context.ts";
import { GatewayError } from "./errors.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that answers the length and text of what readBody gave, or the code it threw. */
async function serve(limitBytes: number): Promise<{ port: number; outcomes: EventEmitter }> {
  const outcomes = new EventEmitter();
  const server = createServer((request, response) => {
    outcomes.emit("started");
    readBody(request, { limitBytes, signal: new AbortController().signal }).then(
      (body) => response.end(`${body.byteLength}:${body.toString("utf8")}`),
      (error: GatewayError) => {
        outcomes.emit("failed", error);
        response.statusCode = error.status;
        response.end(error.code);
      },
    );
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, outcomes };
}

async function post(port: number, parts: readonly string[], headers: Record<string, string> = {}): Promise<Answer> {
  const request = httpRequest({ port, host: "127.0.0.1", method: "POST", headers });
  for (const part of parts) request.write(part);
  request.end();
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

test("the whole body is given, in one piece or many, and empty when there is none", async () => {
  const { port } = await serve(100);
  expect(await post(port, ["hällo", " ", "wörld"])).toEqual({ status: 200, text: "13:hällo wörld" });
  expect(await post(port, ["one"], { "content-length": "3" })).toEqual({ status: 200, text: "3:one" });
  expect(await post(port, [])).toEqual({ status: 200, text: "0:" });
});

test("a body of exactly the limit passes and one byte more is request_too_large", async () => {
  const { port } = await serve(10);
  expect((await post(port, ["0123456789"])).text).toBe("10:0123456789");
  expect(await post(port, ["01234", "567890"])).toEqual({ status: 413, text: "request_too_large" });
});

test("a declared length over the limit is refused before any of the body is read", async () => {
  const request = Object.assign(new EventEmitter(), {
    headers: { "content-length": "11" },
    method: "POST",
    pause() {},
    resume() {},
    destroy() {},
  });
  await expect(
    readBody(request as unknown as HttpRequest, { limitBytes: 10, signal: new AbortController().signal }),
  ).rejects.toMatchObject({ code: "request_too_large" });
  expect(request.listenerCount("data")).toBe(0);
});

test("a compressed body is unsupported_media_type", async () => {
  const { port } = await serve(10);
  expect((await post(port, ["x"], { "content-encoding": "gzip" })).text).toBe("unsupported_media_type");
});

test("a client that goes away in mid-body is client_closed_request", async () => {
  const { port, outcomes } = await serve(100);
  const failed = once(outcomes, "failed");
  const started = once(outcomes, "started");
  const socket = connect(port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nbegin");
  await started;
  socket.destroy();
  const [error] = await failed;
  expect(error).toMatchObject({ code: "client_closed_request" });
});

test("an abort ends the reading with the reason that the signal carries", async () => {
  const request = Object.assign(new EventEmitter(), {
    headers: {},
    method: "POST",
    pause() {},
    resume() {},
    destroy() {},
  });
  const controller = new AbortController();
  const reading = readBody(request as unknown as HttpRequest, { limitBytes: 10, signal: controller.signal });
  controller.abort(new GatewayError("shutting_down", "Going away."));
  await expect(reading).rejects.toMatchObject({ code: "shutting_down" });
  expect(request.listenerCount("data")).toBe(0);
});
