import { gzipSync } from "node:zlib";
import { answered, both, brokenOff, each, NOWHERE, openaiOnly, refused, type Fault } from "../fault.ts";
import { begun, body, head, LAST_CHUNK, chunk, sse, wholeStream } from "../scripts.ts";

const PAGE = "<!doctype html><html><title>Sign in</title><body>Please sign in to the network.</body></html>";
const MEGABYTE = 1024 * 1024;
const LONG = "x".repeat(10 * MEGABYTE);
const TOO_LONG = "x".repeat(17 * MEGABYTE);

/** Bodies of another kind, length or encoding than an answer has. */
export const BODY_FAULTS: readonly Fault[] = [
  {
    id: "html-200",
    title: "an HTML page with 200",
    streamed: both(() => body(PAGE, { type: "text/html" }), refused(502, "upstream_invalid_response")),
    whole: both(() => body(PAGE, { type: "text/html" }), refused(502, "upstream_invalid_response")),
  },
  {
    id: "html-502",
    title: "an HTML page with 502",
    streamed: both(() => body(PAGE, { status: "502 Bad Gateway", type: "text/html" }), refused(502, "upstream_error")),
    whole: both(() => body(PAGE, { status: "502 Bad Gateway", type: "text/html" }), refused(502, "upstream_error")),
  },
  {
    id: "html-as-answer",
    title: "an HTML page with 200 and the content type of an answer",
    streamed: both(() => body(PAGE, { type: "text/event-stream" }), refused(502, "upstream_incomplete")),
    whole: both(() => body(PAGE), refused(502, "upstream_invalid_response")),
  },
  {
    id: "redirect",
    title: "a redirect to a sign-in page",
    streamed: both(() => redirect(), refused(502, "upstream_error")),
    whole: both(() => redirect(), refused(502, "upstream_error")),
  },
  {
    id: "other-kind",
    title: "JSON where a stream was asked for, a stream where JSON was",
    streamed: both((dialect) => body(dialect.completion()), refused(502, "upstream_invalid_response")),
    whole: both((dialect) => sse(wholeStream(dialect)), refused(502, "upstream_invalid_response")),
  },
  {
    id: "unnamed-kind",
    title: "no content type",
    note: "Some servers that speak these APIs name none, or `text/plain`; the body decides.",
    streamed: both((dialect) => untyped(wholeStream(dialect).join("")), answered()),
    whole: both((dialect) => untyped(dialect.completion()), answered()),
  },
  {
    id: "longer-than-body",
    title: "a content length greater than the body, then the end of the connection",
    streamed: both((dialect) => lengthened(wholeStream(dialect).join(""), 10), answered()),
    whole: both((dialect) => lengthened(dialect.completion(), 10), refused(502, "upstream_incomplete")),
    note: "A stream is whole when its own end says so, whatever its length was said to be.",
  },
  {
    id: "shorter-than-body",
    title: "a content length smaller than the body, by the end marker or ten bytes",
    streamed: each(
      (dialect) => lengthened(wholeStream(dialect).join(""), -Buffer.byteLength(dialect.marker)),
      answered(),
      brokenOff(502, "upstream_incomplete", { text: "all", tokens: "told" }),
    ),
    whole: both((dialect) => lengthened(dialect.completion(), -10), refused(502, "upstream_invalid_response")),
  },
  {
    id: "gzip",
    title: "gzip that was not asked for",
    streamed: both(
      (dialect) => zipped("text/event-stream", wholeStream(dialect).join("")),
      refused(502, "upstream_invalid_response"),
    ),
    whole: both(
      (dialect) => zipped("application/json", dialect.completion()),
      refused(502, "upstream_invalid_response"),
    ),
  },
  {
    id: "bad-json",
    title: "malformed JSON",
    streamed: both(
      (dialect) => sse([...begun(dialect), 'data: {"choices": [{\n\n', dialect.marker]),
      brokenOff(502, "upstream_invalid_response"),
    ),
    whole: both((dialect) => body(`${dialect.completion()}}`), refused(502, "upstream_invalid_response")),
  },
  {
    id: "other-json",
    title: "JSON that is no answer",
    streamed: openaiOnly(
      (dialect) => sse([...begun(dialect), 'data: {"hello": "world"}\n\n', dialect.marker]),
      brokenOff(502, "upstream_invalid_response"),
    ),
    whole: both(() => body('{"hello": "world"}'), refused(502, "upstream_invalid_response")),
  },
  {
    id: "ten-megabytes",
    title: "one line of 10 MB",
    answer: LONG,
    streamed: both(
      (dialect) => sse([...dialect.lead, dialect.textFrame(LONG), ...dialect.tail, dialect.marker]),
      answered(),
    ),
    whole: both((dialect) => body(dialect.completion({}, LONG)), answered()),
  },
  {
    id: "seventeen-megabytes",
    title: "one line of 17 MB, more than an event may have",
    streamed: both(
      (dialect) => sse([...begun(dialect), dialect.textFrame(TOO_LONG), ...dialect.tail, dialect.marker]),
      brokenOff(502, "upstream_invalid_response"),
    ),
    whole: NOWHERE,
  },
  {
    id: "long-error",
    title: "an error body of 10 MB with 500",
    streamed: each(
      () => body(LONG, { status: "500 Internal Server Error", type: "text/plain" }),
      refused(502, "upstream_error"),
      refused(502, "upstream_error"),
    ),
    whole: both(
      () => body(LONG, { status: "500 Internal Server Error", type: "text/plain" }),
      refused(502, "upstream_error"),
    ),
  },
];

function redirect() {
  return body("", { status: "302 Found", type: "text/html", headers: ["location: https://example.org/login"] });
}

function untyped(text: string) {
  return { steps: [head({ headers: [`content-length: ${Buffer.byteLength(text)}`] }), text], end: "keep" as const };
}

function lengthened(text: string, by: number) {
  const type = text.startsWith("{") ? "application/json" : "text/event-stream";
  const start = head({ type, headers: [`content-length: ${Buffer.byteLength(text) + by}`] });
  return { steps: [start, text], end: "close" as const };
}

function zipped(type: string, text: string) {
  const start = head({ type, headers: ["content-encoding: gzip", "transfer-encoding: chunked"] });
  return { steps: [start, chunk(gzipSync(text)), LAST_CHUNK], end: "keep" as const };
}
