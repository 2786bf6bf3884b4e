import type { Dialect } from "./dialect.ts";
import type { WireScript, WireStep } from "./wire-server.ts";

/** Long enough for the bytes before it to be read on the other side before what follows happens. */
export const BREATH: WireStep = { pauseMs: 60 };

export interface HeadOptions {
  readonly status?: string;
  readonly type?: string;
  /** Whole lines, without their ends. */
  readonly headers?: readonly string[];
}

/** The head of an answer; without `headers` about its length it lasts until the connection is closed. */
export function head({ status = "200 OK", type, headers = [] }: HeadOptions): string {
  const lines = [`HTTP/1.1 ${status}`, ...(type === undefined ? [] : [`content-type: ${type}`]), ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** One chunk of a body in `transfer-encoding: chunked`. */
export function chunk(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

export const LAST_CHUNK = "0\r\n\r\n";
export const SSE_HEAD = head({ type: "text/event-stream", headers: ["transfer-encoding: chunked"] });

/** An event stream that ends properly. */
export function sse(frames: readonly string[], headOptions: HeadOptions = {}): WireScript {
  const { headers = [], ...rest } = headOptions;
  const start = head({ type: "text/event-stream", headers: ["transfer-encoding: chunked", ...headers], ...rest });
  return { steps: [start, ...frames.map(chunk), LAST_CHUNK], end: "keep" };
}

/** An event stream that begins properly; what follows the frames is the caller's. */
export function brokenSse(frames: readonly string[], after: readonly WireStep[], end: WireScript["end"]): WireScript {
  return { steps: [SSE_HEAD, ...frames.map(chunk), ...after], end };
}

/** A body of a known length in one piece. */
export function body(text: string, headOptions: HeadOptions = {}): WireScript {
  const { headers = [], type = "application/json", ...rest } = headOptions;
  const start = head({ type, headers: [`content-length: ${Buffer.byteLength(text)}`, ...headers], ...rest });
  return { steps: [start, text], end: "keep" };
}

/** The frames of a whole stream, in order. */
export function wholeStream(dialect: Dialect): readonly string[] {
  return [...dialect.lead, ...dialect.text, ...dialect.tail, dialect.marker];
}

/** What has been sent when the first piece of the text is out. */
export function begun(dialect: Dialect): readonly string[] {
  return [...dialect.lead, ...dialect.text.slice(0, 1)];
}
