import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client at the level of the socket: sends just the bytes it is told to and reads when it is told to. */
export class RawClient {
  readonly socket: Socket;
  /** All that came so far, as Latin-1, so that one character is one byte. */
  received = "";
  readonly #closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    // A reset is one way for the server to close.
    socket.on("error", () => undefined);
    this.#closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
  }

  /** Connects to `http://host:port`. */
  static async open(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const client = new RawClient(socket);
    await once(socket, "connect");
    return client;
  }

  send(bytes: string | Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Resolves when what came matches; rejects when the connection closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.closed) throw new Error(`closed after ${JSON.stringify(this.received.slice(0, 500))}`);
      // Not `once`, which rejects at an error too: the close behind it tells, after all that had come.
      const data = new Promise((resolve) => this.socket.once("data", resolve));
      await Promise.race([data, this.#closed]);
    }
    return this.received;
  }

  /** Resolves when the server has closed the connection, with all that came. */
  async closed(): Promise<string> {
    await this.#closed;
    return this.received;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The statuses of the answers so far, in order. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }
}

/** The bytes of a POST of a chat request, with further or other header lines. */
export function chatPost(apiKey: string, body: string | object, headers: readonly string[] = []): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return [
    "POST /v1/chat/completions HTTP/1.1",
    "Host: 127.0.0.1",
    `Authorization: Bearer ${apiKey}`,
    "Content-Type: application/json",
    ...(headers.some((line) => /^(content-length|transfer-encoding)/i.test(line))
      ? []
      : [`Content-Length: ${Buffer.byteLength(text)}`]),
    ...headers,
    "",
    text,
  ].join("\r\n");
}
