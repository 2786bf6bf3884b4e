import type { Socket } from "node:net";
import { stampedChunk, streamEnd, streamHead, wholeAnswer } from "./answers.ts";
import { COUNTS_PATH, type Counts } from "./counts.ts";
import { readOrder, type Order } from "./order.ts";
import type { Pacer } from "./pacer.ts";
import { RequestReader, type ReceivedRequest } from "./request-reader.ts";

/** Serves one connection of a proxy or load client. */
export function serveConnection(socket: Socket, pacer: Pacer, counts: Counts): void {
  socket.setNoDelay(true);
  const reader = new RequestReader((request) => answer(socket, request, pacer, counts));
  socket.on("data", (data) => {
    try {
      reader.push(data);
    } catch (error) {
      process.stderr.write(`mock upstream: ${String(error)}\n`);
      socket.destroy();
    }
  });
  // A proxy that is stopped resets its connections.
  socket.on("error", () => socket.destroy());
}

function answer(socket: Socket, { line, body }: ReceivedRequest, pacer: Pacer, counts: Counts): void {
  if (line === `GET ${COUNTS_PATH}`) return answerJson(socket, "200 OK", counts);
  const order = line.startsWith("POST ") ? readOrder(body) : undefined;
  if (order === undefined) return answerJson(socket, "404 Not Found", { error: { message: `unknown: ${line}` } });
  if (order.kind === "whole") {
    counts.whole += 1;
    socket.write(wholeAnswer);
  } else {
    stream(socket, order, pacer, counts);
  }
}

function answerJson(socket: Socket, status: string, value: unknown): void {
  const body = JSON.stringify(value);
  socket.write(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function stream(socket: Socket, order: Extract<Order, { kind: "stream" }>, pacer: Pacer, counts: Counts): void {
  let sent = 0;
  counts.streams += 1;
  const tick = (): number | undefined => {
    if (socket.destroyed) return undefined;
    const isFirst = sent === 0;
    sent += 1;
    counts.chunks += 1;
    socket.write(stampedChunk(process.hrtime.bigint(), isFirst), "latin1");
    if (sent < order.chunks) return order.gapMs;
    counts.finishedStreams += 1;
    socket.write(streamEnd(order.includeUsage), "latin1");
    return undefined;
  };
  socket.write(streamHead);
  const next = tick();
  if (next !== undefined) pacer.add({ tick }, next);
}
