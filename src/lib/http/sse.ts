import { StringDecoder } from "node:string_decoder";
import { createParser } from "eventsource-parser";
import type { HttpResponse } from "./context.ts";
import { GatewayError } from "./errors.ts";

/** The headers of an event stream; the last keeps nginx from buffering it. */
const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Sets the headers of an event stream; they go out with its first bytes. */
export function setSseHeaders(response: Pick<HttpResponse, "setHeader">): void {
  for (const [name, value] of Object.entries(SSE_HEADERS)) response.setHeader(name, value);
}

const LINE_FEED = 0x0a;
const DATA_FIELD = Buffer.from("data: ");
const LINE_END = /\r\n|\r|\n/g;

/** One event without a name: `data: …` and a blank line. A payload of several lines becomes several `data:` lines. */
export function encodeData(payload: string): string {
  if (!payload.includes("\n") && !payload.includes("\r")) return `data: ${payload}\n\n`;
  return `data: ${payload.replace(LINE_END, "\ndata: ")}\n\n`;
}

/** One named event: `event: …`, `data: …`. The name must not hold a line end. */
export function encodeEvent(name: string, payload: string): string {
  return `event: ${name}\n${encodeData(payload)}`;
}

/** A comment frame: keeps intermediaries awake and is ignored by every client. The text must not hold a line end. */
export function encodeComment(text: string): string {
  return `: ${text}\n\n`;
}

/** One event of a stream; `event` is its name, where it has one. `id` and `retry` are left behind. */
export interface SseEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

export interface SseParser {
  /** Takes the next bytes, cut anywhere. Calls back for each event that they complete; what the callback throws comes out here. */
  push(chunk: Buffer): void;
}

export interface SseParserOptions {
  readonly onEvent: (event: SseEvent) => void;
  /** The most that one unfinished event may hold, in UTF-16 code units. */
  readonly maxEventLength?: number;
}

const DEFAULT_MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/**
 * An incremental parser for `text/event-stream` (html.spec.whatwg.org, Server-sent events). UTF-8 characters, lines and
 * events may be cut anywhere. An event that the stream's end leaves without its blank line is dropped, as the
 * specification says.
 *
 * @throws GatewayError `upstream_invalid_response` from `push` when an event is longer than allowed.
 */
export function createSseParser(options: SseParserOptions): SseParser {
  const { onEvent, maxEventLength = DEFAULT_MAX_EVENT_LENGTH } = options;
  const decoder = new StringDecoder("utf8");
  /** Whether nothing of an event is held: the last piece ended with a blank line. */
  let isBetweenEvents = true;
  let overflow = false;
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent,
    onError: (error) => {
      // Unknown fields and bad retry values are to be ignored by the specification.
      if (error.type === "max-buffer-size-exceeded") overflow = true;
    },
  });
  return {
    push(chunk) {
      const taken = isBetweenEvents ? pushPlainEvents(chunk, maxEventLength, onEvent) : 0;
      if (taken === chunk.length) return;
      const rest = taken === 0 ? chunk : chunk.subarray(taken);
      isBetweenEvents = rest.at(-1) === LINE_FEED && rest.at(-2) === LINE_FEED;
      if (!overflow) parser.feed(decoder.write(rest));
      if (overflow) {
        throw new GatewayError("upstream_invalid_response", "The upstream sent an event that is too long.");
      }
    },
  };
}

/**
 * Takes events of the form that nearly all have, one `data: ` line and a blank one, straight from the bytes: the parser and
 * the decoder of split characters cost several times as much (`bench/micro`).
 *
 * @returns How many bytes were taken. What begins there is for the parser.
 */
function pushPlainEvents(chunk: Buffer, maxEventLength: number, onEvent: (event: SseEvent) => void): number {
  let start = 0;
  while (start < chunk.length) {
    if (!isDataLine(chunk, start)) return start;
    const end = chunk.indexOf(LINE_FEED, start);
    if (end === -1 || chunk[end + 1] !== LINE_FEED || end - start > maxEventLength) return start;
    const data = chunk.toString("utf8", start + DATA_FIELD.length, end);
    // A carriage return alone ends a line too.
    if (data.includes("\r")) return start;
    onEvent({ data });
    start = end + 2;
  }
  return start;
}

function isDataLine(chunk: Buffer, start: number): boolean {
  for (let index = 0; index < DATA_FIELD.length; index += 1) {
    if (chunk[start + index] !== DATA_FIELD[index]) return false;
  }
  return true;
}
