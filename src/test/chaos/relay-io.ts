/** The HTTP of one hop: whole messages in and out, and broken connections. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Breaks the connection that a request came on. */
export function breakNear(incoming: IncomingMessage, reset: boolean): void {
  if (reset) incoming.socket.resetAndDestroy();
  else incoming.socket.destroy();
}

/** Passes a whole answer on, if anybody still waits for it. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, { "content-type": answer.contentType, "content-length": answer.body.length });
  response.end(answer.body);
}

/** Resolves once the bytes have left, or cannot any more. */
export async function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    response.once("close", resolve);
    response.write(bytes, () => {
      response.off("close", resolve);
      resolve();
    });
  });
}

export async function readAll(source: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}
