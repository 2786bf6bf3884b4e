import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpContext } from "../lib/http/context.ts";
import { GatewayError } from "../lib/http/errors.ts";

/** Requests of one connection that may wait for the answers before theirs; real clients have none. */
const MAX_WAITING = 50;

/**
 * Makes the function that looks after a request which came before the answer to an earlier one on its connection had
 * ended (HTTP pipelining). node:http starts them all at once, as many as a packet holds, and tells their responses nothing
 * when the connection closes. So the function ends such a request with its connection, and returns why it is refused where
 * too many wait.
 */
export function createPipelineGuard(): (
  context: HttpContext,
  request: IncomingMessage,
  response: ServerResponse,
) => GatewayError | undefined {
  const waiting = new WeakMap<Socket, number>();
  return (context, { socket }, response) => {
    const count = waiting.get(socket) ?? 0;
    if (count === 0) socket.setMaxListeners(MAX_WAITING * 2);
    if (count >= MAX_WAITING) {
      return new GatewayError("rate_limit_exceeded", "Too many requests wait on this connection.");
    }
    waiting.set(socket, count + 1);
    const onSocketClose = (): void => {
      if (!response.writableFinished) {
        context.cut(new GatewayError("client_closed_request", "The client closed the request."));
      }
    };
    socket.once("close", onSocketClose);
    response.once("close", () => {
      socket.off("close", onSocketClose);
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    });
    return undefined;
  };
}
