import { answered, both, brokenOff, claudeOnly, each, NOWHERE, openaiOnly, refused, type Fault } from "../fault.ts";
import { begun, body, BREATH, brokenSse, head, sse, wholeStream } from "../scripts.ts";
import { anthropicFrames } from "../../fake-anthropic-server.ts";

/** Answers whose end is missing, doubled or followed by more. */
export const END_FAULTS: readonly Fault[] = [
  {
    id: "end-in-mid-answer",
    title: "a proper end of the body in the middle of the answer",
    streamed: both((dialect) => sse(begun(dialect)), brokenOff(502, "upstream_incomplete")),
    whole: both((dialect) => body(dialect.completion().slice(0, 80)), refused(502, "upstream_invalid_response")),
  },
  {
    id: "end-without-marker",
    title: "a proper end of the body without `[DONE]` or `message_stop`, after the reason why the answer ended",
    note: "Some servers that speak the OpenAI API never send `[DONE]`. Once every choice has its finish reason nothing of the answer can be missing. Anthropic always sends `message_stop`.",
    streamed: each(
      (dialect) => sse(wholeStream(dialect).slice(0, -1)),
      answered(),
      brokenOff(502, "upstream_incomplete", { text: "all", tokens: "told" }),
    ),
    whole: NOWHERE,
  },
  {
    id: "no-end-reason",
    title: "no finish reason (OpenAI) or stop reason (Anthropic)",
    streamed: both(
      (dialect) => sse([...dialect.lead, ...dialect.text, ...dialect.tailWithoutReason, dialect.marker]),
      brokenOff(502, "upstream_incomplete", { text: "all", tokens: "told" }),
    ),
    whole: both(
      (dialect) => body(dialect.completion(dialect.withoutReason)),
      refused(502, "upstream_invalid_response", { tokens: "told" }),
    ),
  },
  {
    id: "no-usage",
    title: "no usage",
    note: "The row then has no tokens, or those that the stream told at its beginning: what was not told is never guessed for an API.",
    streamed: each(
      (dialect) => sse([...dialect.lead, ...dialect.text, ...dialect.tailWithoutUsage, dialect.marker]),
      answered("unknown"),
      answered("begun"),
    ),
    whole: both((dialect) => body(dialect.completion(dialect.withoutUsage)), answered("unknown")),
  },
  {
    id: "second-marker",
    title: "a second `[DONE]` or `message_stop`",
    streamed: both((dialect) => sse([...wholeStream(dialect), dialect.marker]), answered()),
    whole: NOWHERE,
  },
  {
    id: "data-after-end",
    title: "more text after `[DONE]` or `message_stop`",
    note: "The answer was whole; what follows is read and thrown away.",
    streamed: both((dialect) => sse([...wholeStream(dialect), dialect.textFrame("more")]), answered()),
    whole: both((dialect) => {
      const { steps } = body(dialect.completion());
      return { steps: [...steps, "more"], end: "hang" };
    }, answered()),
  },
  {
    id: "error-after-end",
    title: "an error frame after `[DONE]` or `message_stop`",
    note: "The answer was whole; what follows is read and thrown away.",
    streamed: both((dialect) => sse([...wholeStream(dialect), dialect.errorFrame("api_error", "late")]), answered()),
    whole: NOWHERE,
  },
  {
    id: "hang-after-end",
    title: "`[DONE]` or `message_stop`, but no end of the body",
    note: "The client has its end at once; the upstream's socket is closed five seconds later.",
    streamed: both((dialect) => brokenSse(wholeStream(dialect), [], "hang"), answered()),
    whole: NOWHERE,
  },
  {
    id: "reset-after-end",
    title: "`[DONE]` or `message_stop`, then a reset",
    streamed: both((dialect) => brokenSse(wholeStream(dialect), [BREATH], "reset"), answered()),
    whole: NOWHERE,
  },
  {
    id: "doubled-reason",
    title: "the finish reason (OpenAI) or `message_delta` (Anthropic) twice",
    streamed: both(
      (dialect) =>
        sse([...dialect.lead, ...dialect.text, ...dialect.tail, ...dialect.tail.slice(-2, -1), dialect.marker]),
      answered(),
    ),
    whole: NOWHERE,
  },
  {
    id: "second-answer",
    title: "a second message begins in the same stream",
    streamed: claudeOnly(
      (dialect) => sse([...begun(dialect), ...dialect.lead]),
      brokenOff(502, "upstream_invalid_response"),
    ),
    whole: NOWHERE,
  },
  {
    id: "unfinished-choice",
    title: "two choices asked for, one of them without an end",
    choices: 2,
    streamed: openaiOnly(
      (dialect) =>
        sse([...dialect.lead, ...dialect.text, secondChoice(dialect.text[0]), ...dialect.tail, dialect.marker]),
      brokenOff(502, "upstream_incomplete", { text: "all", tokens: "told" }),
    ),
    whole: openaiOnly(
      (dialect) => body(dialect.completion({ choices: [choice(0, "stop"), choice(1, null)] })),
      refused(502, "upstream_invalid_response", { tokens: "told" }),
    ),
  },
  {
    id: "missing-choice",
    title: "two choices asked for, one given",
    choices: 2,
    streamed: openaiOnly(
      (dialect) => sse(wholeStream(dialect)),
      brokenOff(502, "upstream_incomplete", { text: "all", tokens: "told" }),
    ),
    whole: openaiOnly((dialect) => body(dialect.completion()), refused(502, "upstream_incomplete", { tokens: "told" })),
  },
  {
    id: "empty-answer",
    title: "200 and no body at all",
    streamed: both(() => sse([]), refused(502, "upstream_incomplete")),
    whole: both(() => body(""), refused(502, "upstream_invalid_response")),
  },
  {
    id: "no-content",
    title: "204 No Content",
    streamed: both(
      () => ({ steps: [head({ status: "204 No Content" })], end: "keep" }),
      refused(502, "upstream_incomplete"),
    ),
    whole: both(
      () => ({ steps: [head({ status: "204 No Content" })], end: "keep" }),
      refused(502, "upstream_invalid_response"),
    ),
  },
  {
    id: "only-pings",
    title: "a stream of comments or pings that ends properly",
    streamed: both((dialect) => sse([dialect.ping, dialect.ping]), refused(502, "upstream_incomplete")),
    whole: NOWHERE,
  },
  {
    id: "abandoned-block",
    title: "an unknown event type and an unknown block type",
    streamed: claudeOnly(
      (dialect) =>
        sse([
          ...dialect.lead,
          ...anthropicFrames([{ type: "content_block_mystery", index: 0 }]),
          ...anthropicFrames([{ type: "content_block_delta", index: 0, delta: { type: "mystery_delta" } }]),
          ...dialect.text,
          ...dialect.tail,
          dialect.marker,
        ]),
      answered(),
    ),
    whole: NOWHERE,
  },
];

function secondChoice(frame = ""): string {
  return frame.replace('"choices":[{"index":0', '"choices":[{"index":1');
}

function choice(index: number, reason: string | null): Record<string, unknown> {
  return { index, message: { role: "assistant", content: "x" }, finish_reason: reason };
}
