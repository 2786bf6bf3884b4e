import type { IncomingMessage } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { GatewayError } from "../http/errors.ts";
import type { HttpResponse } from "../http/context.ts";

/** Bodies up to this size are read before they go on: one write is cheaper than a pipe. In bytes. */
const MAX_WHOLE_BODY = 64 * 1024;
/** Time for a client to stop sending a body whose answer came before its end, in milliseconds. */
const DISCARD_TIMEOUT_MS = 2000;

/**
 * The body of a client's request as it goes on: small ones whole, others as a stream that may be destroyed without the
 * client's connection. Throws GatewayError `client_closed_request`.
 */
export async function readClientBody(request: IncomingMessage): Promise<Buffer | Readable | null> {
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (request.headers["transfer-encoding"] === undefined && !(length > 0)) return null;
  // Stays attached: an error without a listener would end the process.
  request.on("error", () => undefined);
  if (!(length <= MAX_WHOLE_BODY)) return streamOf(request);
  const chunks: Buffer[] = [];
  return await new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("close", () => {
      reject(new GatewayError("client_closed_request", "The client closed the connection in mid-request."));
    });
  });
}

function streamOf(request: IncomingMessage): Readable {
  const stream = new PassThrough();
  // Its end is told by the exchange that reads it.
  stream.on("error", () => undefined);
  request.once("close", () => {
    if (!request.complete) stream.destroy(new Error("the client closed the request"));
  });
  return request.pipe(stream);
}

/**
 * To be called when an answer begins: where the client still sends its body, the connection cannot be used again, and
 * what is on its way is thrown away for a moment, or the client would see a reset instead of the answer.
 */
export function discardRest(request: IncomingMessage, response: HttpResponse): void {
  if (request.complete) return;
  response.setHeader("connection", "close");
  request.resume();
  setTimeout(() => request.destroy(), DISCARD_TIMEOUT_MS).unref();
}
