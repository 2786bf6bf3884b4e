import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { endOfTurn } from "./end-of-turn.ts";
import { RequestTiming } from "../telemetry/request-timing.ts";
import { NodeResponse } from "./node-response.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Serves one request by `serve` over a real socket, of which it answers the client's end. */
async function open(serve: (response: NodeResponse) => Promise<void>): Promise<Socket> {
  const server = createServer((_request, response) => {
    void serve(new NodeResponse(response, new RequestTiming(performance.now())));
  });
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
  return socket;
}

/** As {@link open}; resolves with all bytes that the client gets, and what it got in one piece. */
async function exchange(serve: (response: NodeResponse) => Promise<void>): Promise<{ text: string; pieces: string[] }> {
  const socket = await open(serve);
  const pieces: string[] = [];
  socket.on("data", (piece) => pieces.push(piece.toString()));
  await once(socket, "close");
  return { text: pieces.join(""), pieces };
}

/** The payloads of a chunked body (RFC 9112, section 7.1). */
function readChunks(text: string): string[] {
  const chunks: string[] = [];
  let rest = Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4));
  for (;;) {
    const end = rest.indexOf("\r\n");
    const length = Number.parseInt(rest.toString("latin1", 0, end), 16);
    chunks.push(rest.toString("utf8", end + 2, end + 2 + length));
    rest = rest.subarray(end + 2 + length + 2);
    if (length === 0) return rest.length === 0 ? chunks : [...chunks, `after the end: ${rest.toString()}`];
  }
}

test("pieces of one turn arrive in order, each framed by itself, in one write", async () => {
  const { text, pieces } = await exchange(async (response) => {
    response.beginStream();
    response.write("head");
    await endOfTurn();
    response.writeSoon("größer");
    response.writeSoon("");
    response.writeSoon("two");
    await endOfTurn();
    response.writeSoon("three");
    response.end("end");
  });
  expect(readChunks(text)).toEqual(["head", "größer", "two", "three", "end", ""]);
  expect(pieces.some((piece) => piece.includes("größer") && piece.includes("two"))).toBe(true);
});

test("many streams that write in one turn all get their pieces", async () => {
  const answers = Array.from({ length: 20 }, (_, index) =>
    exchange(async (response) => {
      response.beginStream();
      response.write("head");
      await endOfTurn();
      response.writeSoon(`piece ${index}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      response.end();
    }),
  );
  for (const [index, { text, pieces }] of (await Promise.all(answers)).entries()) {
    expect(readChunks(text)).toEqual(["head", `piece ${index}`, ""]);
    expect(pieces.at(-1)).not.toContain("piece");
  }
});

test("what is written at once does not overtake the pieces of the same turn", async () => {
  const { text } = await exchange(async (response) => {
    response.beginStream();
    response.write("head");
    await endOfTurn();
    response.writeSoon("one");
    response.write("two");
    response.writeSoon("three");
    response.write(Buffer.from("four"));
    response.end();
  });
  expect(readChunks(text)).toEqual(["head", "one", "two", "three", "four", ""]);
});

test("nothing is written after the end", async () => {
  const { text } = await exchange(async (response) => {
    response.beginStream();
    response.write("head");
    response.end("end");
    response.writeSoon("late");
    await endOfTurn();
  });
  expect(readChunks(text)).toEqual(["head", "end", ""]);
});

test("a reader that does not read makes write answer false, and its drain is told once it does", async () => {
  const piece = "x".repeat(256 * 1024);
  const stages: string[] = [];
  const socket = await open(async (response) => {
    response.beginStream();
    response.write("head");
    let turns = 0;
    while (response.writeSoon(piece) && turns < 1000) {
      turns += 1;
      await endOfTurn();
    }
    stages.push(turns < 1000 ? "full" : "never full");
    socket.resume();
    await new Promise<void>((resolve) => response.once("drain", resolve));
    stages.push("drained");
    response.end();
  });
  socket.pause();
  socket.on("data", () => undefined);
  socket.pause();
  await once(socket, "close");
  expect(stages).toEqual(["full", "drained"]);
});

test("what a destroyed answer had to write is dropped without an error", async () => {
  const { text } = await exchange(async (response) => {
    response.beginStream();
    response.write("head");
    await endOfTurn();
    response.writeSoon("late");
    response.destroy();
    await endOfTurn();
  });
  expect(text).toContain("head");
  expect(text).not.toContain("late");
});
