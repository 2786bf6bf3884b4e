import { both, brokenOff, NOWHERE, refused, answered, type Fault } from "../fault.ts";
import { begun, body, BREATH, brokenSse, chunk, head, sse, SSE_HEAD, wholeStream } from "../scripts.ts";

/** Nobody listens: the fault server is closed for it, so that its script is never asked for. */
export const REFUSED_FAULT: Fault = {
  id: "connection-refused",
  title: "the connection is refused",
  streamed: both(() => ({ steps: [], end: "close" }), refused(502, "upstream_connection_failed")),
  whole: both(() => ({ steps: [], end: "close" }), refused(502, "upstream_connection_failed")),
};

/** How a connection fails, and how slowly an answer's head may come. */
export const CONNECTION_FAULTS: readonly Fault[] = [
  {
    id: "closed-before-headers",
    title: "closed before the headers",
    streamed: both(() => ({ steps: [], end: "close" }), refused(502, "upstream_connection_failed")),
    whole: both(() => ({ steps: [], end: "close" }), refused(502, "upstream_connection_failed")),
  },
  {
    id: "reset-before-headers",
    title: "reset before the headers",
    streamed: both(() => ({ steps: [], end: "reset" }), refused(502, "upstream_connection_failed")),
    whole: both(() => ({ steps: [], end: "reset" }), refused(502, "upstream_connection_failed")),
  },
  {
    id: "reset-within-headers",
    title: "reset within the headers",
    streamed: both(
      () => ({ steps: [SSE_HEAD.slice(0, 30), BREATH], end: "reset" }),
      refused(502, "upstream_connection_failed"),
    ),
    whole: both(
      () => ({ steps: [SSE_HEAD.slice(0, 30), BREATH], end: "reset" }),
      refused(502, "upstream_connection_failed"),
    ),
  },
  {
    id: "no-http",
    title: "an answer that is no HTTP",
    streamed: both(() => ({ steps: ["220 mail ready\r\n"], end: "hang" }), refused(502, "upstream_connection_failed")),
    whole: both(() => ({ steps: ["220 mail ready\r\n"], end: "hang" }), refused(502, "upstream_connection_failed")),
  },
  {
    id: "slow-headers",
    title: "headers byte by byte",
    streamed: both(
      (dialect) => ({ steps: [{ bytewise: SSE_HEAD }, ...sse(wholeStream(dialect)).steps.slice(1)], end: "keep" }),
      answered(),
    ),
    whole: both((dialect) => {
      const text = dialect.completion();
      return { steps: [{ bytewise: sizedHead(text) }, text], end: "keep" };
    }, answered()),
  },
  {
    id: "informational-first",
    title: "1xx answers before the real one",
    streamed: both((dialect) => informed(sse(wholeStream(dialect)).steps), answered()),
    whole: both((dialect) => informed(body(dialect.completion()).steps), answered()),
  },
  {
    id: "reset-in-answer",
    title: "reset in the middle of the answer",
    streamed: both((dialect) => brokenSse(begun(dialect), [BREATH], "reset"), brokenOff(502, "upstream_incomplete")),
    whole: both(
      (dialect) => ({ steps: [...cutBody(dialect.completion()), BREATH], end: "reset" }),
      refused(502, "upstream_incomplete"),
    ),
  },
  {
    id: "closed-in-answer",
    title: "closed in the middle of the answer, without its last chunk or bytes",
    streamed: both((dialect) => brokenSse(begun(dialect), [BREATH], "close"), brokenOff(502, "upstream_incomplete")),
    whole: both(
      (dialect) => ({ steps: [...cutBody(dialect.completion()), BREATH], end: "close" }),
      refused(502, "upstream_incomplete"),
    ),
  },
  {
    id: "closed-before-output",
    title: "closed after the headers and what comes before the text",
    streamed: both(
      (dialect) => brokenSse(dialect.lead, [BREATH], "close"),
      refused(502, "upstream_incomplete", { tokens: "begun" }),
    ),
    whole: NOWHERE,
  },
  {
    id: "closed-within-frame",
    title: "closed in the middle of a frame",
    streamed: both(
      (dialect) => brokenSse(begun(dialect), [chunk((dialect.text[1] ?? "").slice(0, 40)), BREATH], "close"),
      brokenOff(502, "upstream_incomplete"),
    ),
    whole: NOWHERE,
  },
];

function informed<Step>(steps: readonly Step[]): { steps: (Step | string)[]; end: "keep" } {
  const hints = head({ status: "103 Early Hints", headers: ["link: </style.css>; rel=preload"] });
  return { steps: [head({ status: "102 Processing" }), hints, ...steps], end: "keep" };
}

function cutBody(text: string): string[] {
  return [sizedHead(text), text.slice(0, 50)];
}

function sizedHead(text: string): string {
  return head({ type: "application/json", headers: [`content-length: ${Buffer.byteLength(text)}`] });
}
