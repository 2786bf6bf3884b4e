import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";

export interface AskedRequest {
  /** Of the proxy. */
  readonly url: string;
  readonly apiKey: string;
  readonly model: string;
  readonly prompt: string;
  readonly stream: boolean;
  readonly choices?: number;
}

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether HTTP's own end of the body came. */
  readonly complete: boolean;
}

/** Sends one chat request on a connection of its own and reads the answer to its end, whatever that is. */
export async function askOnTheWire(asked: AskedRequest): Promise<WireAnswer> {
  const body = JSON.stringify({
    model: asked.model,
    messages: [{ role: "user", content: asked.prompt }],
    stream: asked.stream,
    ...(asked.choices === undefined ? {} : { n: asked.choices }),
    ...(asked.stream ? { stream_options: { include_usage: true } } : {}),
  });
  const outgoing = request(`${asked.url}/v1/chat/completions`, {
    method: "POST",
    agent: false,
    headers: {
      authorization: `Bearer ${asked.apiKey}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  answer.on("data", (part: Buffer) => parts.push(part));
  answer.on("error", () => undefined);
  await new Promise((resolve) => answer.once("close", resolve));
  const bytes = Buffer.concat(parts);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    // Bytes that are no UTF-8 must never reach a client: this throws on them.
    body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    complete: answer.complete,
  };
}
