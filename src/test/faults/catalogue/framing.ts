import type { Dialect } from "../dialect.ts";
import { answered, both, NOWHERE, openaiOnly, refused, type Fault } from "../fault.ts";
import { body, chunk, head, LAST_CHUNK, sse, SSE_HEAD, wholeStream } from "../scripts.ts";
import type { WireScript } from "../wire-server.ts";

/** Legal, if unusual, ways to write and cut an answer: none of them may be seen by the client. */
export const FRAMING_FAULTS: readonly Fault[] = [
  {
    id: "crlf",
    title: "lines that end in CRLF",
    streamed: both((dialect) => ended(dialect, "\r\n"), answered()),
    whole: NOWHERE,
  },
  {
    id: "cr",
    title: "lines that end in CR",
    streamed: both((dialect) => ended(dialect, "\r"), answered()),
    whole: NOWHERE,
  },
  {
    id: "byte-by-byte",
    title: "one byte per packet",
    streamed: both((dialect) => bytewise(wholeStream(dialect).join(""), "text/event-stream"), answered()),
    whole: both((dialect) => bytewise(dialect.completion(), "application/json"), answered()),
  },
  {
    id: "split-utf8",
    title: "packets that end within a character",
    streamed: both((dialect) => splitInCharacters(wholeStream(dialect).join(""), "text/event-stream"), answered()),
    whole: both((dialect) => splitInCharacters(dialect.completion(), "application/json"), answered()),
  },
  {
    id: "one-packet",
    title: "the whole answer in one packet",
    streamed: both((dialect) => {
      const frames = wholeStream(dialect).map(chunk);
      return { steps: [Buffer.concat([Buffer.from(SSE_HEAD), ...frames, Buffer.from(LAST_CHUNK)])], end: "keep" };
    }, answered()),
    whole: both((dialect) => {
      const text = dialect.completion();
      return { steps: [`${sized(text, "application/json")}${text}`], end: "keep" };
    }, answered()),
  },
  {
    id: "odd-fields",
    title: "comments and the fields `id:`, `retry:`, `event:` and others between the frames",
    streamed: both((dialect) => {
      const odd = [": upstream-comment\n\n", "retry: 5000\n\n", "mystery: field\n\n", ":\n\n"];
      const frames = wholeStream(dialect).map((frame, index) => `id: ${index}\nretry: 10\nmystery: field\n${frame}`);
      return sse(frames.flatMap((frame, index) => [odd[index % odd.length] ?? "", frame]));
    }, answered()),
    whole: NOWHERE,
  },
  {
    id: "named-events",
    title: "an `event:` name on every frame",
    streamed: openaiOnly((dialect) => sse(wholeStream(dialect).map((frame) => `event: chunk\n${frame}`)), answered()),
    whole: NOWHERE,
  },
  {
    id: "empty-data",
    title: "empty `data:` lines between the frames",
    streamed: both(
      (dialect) => sse(wholeStream(dialect).flatMap((frame) => ["data:\n\n", "data\n\n", frame])),
      answered(),
    ),
    whole: NOWHERE,
  },
  {
    id: "byte-order-mark",
    title: "a byte order mark first",
    note: "Event streams may begin with one (WHATWG HTML, 9.2.6), JSON must not (RFC 8259, 8.1).",
    streamed: both((dialect) => sse(["\uFEFF", ...wholeStream(dialect)]), answered()),
    whole: both((dialect) => body(`\uFEFF${dialect.completion()}`), refused(502, "upstream_invalid_response")),
  },
  {
    id: "several-data-lines",
    title: "one JSON text over several `data:` lines",
    streamed: both(
      (dialect) => sse(wholeStream(dialect).map((frame) => frame.replaceAll(',"', ',\ndata: "'))),
      answered(),
    ),
    whole: both((dialect) => body(JSON.stringify(JSON.parse(dialect.completion()), null, 2)), answered()),
  },
  {
    id: "no-space",
    title: "no space after `data:`",
    streamed: both(
      (dialect) => sse(wholeStream(dialect).map((frame) => frame.replaceAll("data: ", "data:"))),
      answered(),
    ),
    whole: NOWHERE,
  },
  {
    id: "lower-level-ends",
    title: "neither a length nor chunks: the end of the connection ends the body",
    streamed: both(
      (dialect) => ({ steps: [head({ type: "text/event-stream" }), ...wholeStream(dialect)], end: "close" }),
      answered(),
    ),
    whole: both(
      (dialect) => ({ steps: [head({ type: "application/json" }), dialect.completion()], end: "close" }),
      answered(),
    ),
  },
];

function ended(dialect: Dialect, lineEnd: string): WireScript {
  return sse(wholeStream(dialect).map((frame) => frame.replaceAll("\n", lineEnd)));
}

function bytewise(text: string, type: string): WireScript {
  return { steps: [sized(text, type), { bytewise: text }], end: "keep" };
}

/** Cuts before the last byte of each character that has several. */
function splitInCharacters(text: string, type: string): WireScript {
  const parts: Buffer[] = [];
  let held: Buffer = Buffer.alloc(0);
  for (const character of text) {
    const bytes = Buffer.from(character);
    held = Buffer.concat([held, bytes.subarray(0, bytes.length > 1 ? -1 : bytes.length)]);
    if (bytes.length === 1) continue;
    parts.push(held);
    held = bytes.subarray(-1);
  }
  const steps = [...parts, held].flatMap((part) => [part, { pauseMs: 5 }]);
  return { steps: [sized(text, type), ...steps], end: "keep" };
}

function sized(text: string, type: string): string {
  return head({ type, headers: [`content-length: ${Buffer.byteLength(text)}`] });
}
