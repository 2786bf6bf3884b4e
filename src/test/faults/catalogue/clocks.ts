import { both, brokenOff, NOWHERE, refused, type Fault } from "../fault.ts";
import { begun, brokenSse, chunk, head, SSE_HEAD } from "../scripts.ts";
import type { WireScript } from "../wire-server.ts";

const NOTE =
  "A whole answer comes in one piece after its last token, so that only the clock of the whole request bounds the wait for it.";

/** Upstreams that are silent, or speak without saying anything. */
export const CLOCK_FAULTS: readonly Fault[] = [
  {
    id: "stall-before-headers",
    title: "silence before the headers",
    clocks: "short",
    note: NOTE,
    streamed: both(() => ({ steps: [], end: "hang" }), refused(504, "upstream_timeout", { shouldRetry: false })),
    whole: both(() => ({ steps: [], end: "hang" }), refused(504, "deadline_exceeded")),
  },
  {
    id: "stall-within-headers",
    title: "silence within the headers",
    clocks: "short",
    streamed: both(
      () => ({ steps: [SSE_HEAD.slice(0, 30)], end: "hang" }),
      refused(504, "upstream_timeout", { shouldRetry: false }),
    ),
    whole: both(() => ({ steps: [SSE_HEAD.slice(0, 30)], end: "hang" }), refused(504, "deadline_exceeded")),
  },
  {
    id: "stall-before-output",
    title: "silence after the headers",
    clocks: "short",
    streamed: both(
      () => ({ steps: [SSE_HEAD], end: "hang" }),
      refused(504, "upstream_timeout", { shouldRetry: false }),
    ),
    whole: both(
      () => ({ steps: [head({ type: "application/json", headers: ["content-length: 9"] })], end: "hang" }),
      refused(504, "deadline_exceeded"),
    ),
  },
  {
    id: "pings-before-output",
    title: "what comes before the text, then comments or pings for ever",
    clocks: "short",
    streamed: both(
      (dialect) => brokenSse(dialect.lead, [pings(dialect.ping)], "hang"),
      refused(504, "upstream_timeout", { tokens: "begun", shouldRetry: false }),
    ),
    whole: NOWHERE,
  },
  {
    id: "stall-in-mid-answer",
    title: "silence in the middle of the answer",
    clocks: "short",
    streamed: both((dialect) => brokenSse(begun(dialect), [], "hang"), brokenOff(504, "upstream_timeout")),
    whole: both(
      (dialect) => ({
        steps: [
          head({ type: "application/json", headers: ["content-length: 999"] }),
          dialect.completion().slice(0, 50),
        ],
        end: "hang",
      }),
      refused(504, "deadline_exceeded"),
    ),
  },
  {
    id: "pings-in-mid-answer",
    title: "comments or pings for ever in the middle of the answer",
    clocks: "short",
    streamed: both(
      (dialect) => brokenSse(begun(dialect), [pings(dialect.ping)], "hang"),
      brokenOff(504, "upstream_timeout"),
    ),
    whole: NOWHERE,
  },
  {
    id: "silent-chunks",
    title: "frames without text for ever in the middle of the answer",
    clocks: "short",
    streamed: both(
      (dialect) => brokenSse(begun(dialect), [pings(dialect.textFrame(""))], "hang"),
      brokenOff(504, "upstream_timeout"),
    ),
    whole: NOWHERE,
  },
  {
    id: "stall-before-marker",
    title: "silence instead of `[DONE]` or `message_stop`",
    clocks: "short",
    streamed: both(
      (dialect) => brokenSse([...dialect.lead, ...dialect.text, ...dialect.tail], [], "hang"),
      brokenOff(504, "upstream_timeout", { text: "all", tokens: "told" }),
    ),
    whole: NOWHERE,
  },
  {
    id: "stall-in-failure",
    title: "500, then silence within the error's body",
    note: "The body is waited for five seconds at most: the status says more than the fact that it lingers.",
    streamed: both(stalledFailure, refused(502, "upstream_error")),
    whole: both(stalledFailure, refused(502, "upstream_error")),
  },
  {
    id: "endless-answer",
    title: "an answer that never ends",
    clocks: "short",
    streamed: both(
      (dialect) => brokenSse(begun(dialect), [pings(dialect.textFrame(" and"))], "hang"),
      brokenOff(504, "deadline_exceeded"),
    ),
    whole: NOWHERE,
  },
];

function pings(frame: string): { forever: string; everyMs: number } {
  return { forever: chunk(frame).toString("latin1"), everyMs: 40 };
}

function stalledFailure(): WireScript {
  return {
    steps: [head({ status: "500 Oh", type: "application/json", headers: ["content-length: 99"] }), "{"],
    end: "hang",
  };
}
