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
const FIRST_NON_ASCII = 0x80;

/**
 * An incremental parser for `text/event-stream` (html.spec.whatwg.org, Server-sent events). UTF-8 characters, lines and
 * events may be cut anywhere. An event that the stream's end leaves without its blank line is dropped, as the
 * specification says.
 *
 * @throws GatewayError `upstream_invalid_response` from `push` when an event is longer than allowed.
 */
export function createSseParser(options: SseParserOptions): SseParser {
  const { onEvent, maxEventLength = DEFAULT_MAX_EVENT_LENGTH } = options;
  const readText = createTextReader();
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
      if (!overflow) parser.feed(readText(chunk));
      if (overflow) {
        throw new GatewayError("upstream_invalid_response", "The upstream sent an event that is too long.");
      }
    },
  };
}

/** Decodes UTF-8 that may be cut anywhere. A decoder is native state for every open stream: most are never cut in mid-character. */
function createTextReader(): (chunk: Buffer) => string {
  let decoder: StringDecoder | undefined;
  return (chunk) => {
    const mayBeCut = (chunk.at(-1) ?? 0) >= FIRST_NON_ASCII;
    if (mayBeCut) decoder ??= new StringDecoder("utf8");
    return decoder === undefined ? chunk.toString("utf8") : decoder.write(chunk);
  };
}
