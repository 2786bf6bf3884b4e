import { CLI_DELTAS, type CliFault } from "../cli-fault.ts";
import { answered, brokenOff, refused } from "../fault.ts";

const PAGE = "<!doctype html>\n<html><body>Please sign in to the network.</body></html>\n";
const MEGABYTE = 1024 * 1024;
/** Lines of an answer before its first delta: init, status, message_start, content_block_start. */
const LEAD_LINES = 4;
/** After the last delta: assistant, content_block_stop, message_delta, message_stop; the next is the result. */
const LINES_WITHOUT_RESULT = LEAD_LINES + CLI_DELTAS + 4;

/** Of the recordings that break off. */
const RECORDED = { told: "unknown", begun: "2125 + 1" };

/** What the stand-in CLI does wrong, or in an unusual way. */
export const CLI_FAULTS: readonly CliFault[] = [
  {
    id: "exit-before-output",
    title: "the CLI exits with an error before the text",
    settings: () => ({ exitAfterLines: 2 }),
    streamed: refused(502, "cli_crashed"),
    whole: refused(502, "cli_crashed"),
  },
  {
    id: "exit-in-mid-answer",
    title: "the CLI exits with an error in the middle of the answer",
    settings: () => ({ exitAfterLines: LEAD_LINES + 1 }),
    streamed: brokenOff(502, "cli_crashed"),
    whole: refused(502, "cli_crashed", { tokens: "begun" }),
  },
  {
    id: "exit-without-result",
    title: "the CLI exits without an error after the text, but without a result",
    settings: () => ({ exitAfterLines: LINES_WITHOUT_RESULT, exitCode: 0 }),
    streamed: brokenOff(502, "cli_no_result", { text: "all", tokens: "told" }),
    whole: refused(502, "cli_no_result", { tokens: "told" }),
  },
  {
    id: "output-closed",
    title: "the CLI closes its output in the middle of the answer and lives on",
    settings: () => ({ closeOutputAfterLines: LEAD_LINES + 1 }),
    streamed: brokenOff(502, "cli_no_result"),
    whole: refused(502, "cli_no_result", { tokens: "begun" }),
  },
  {
    id: "html",
    title: "the CLI prints HTML",
    settings: (files) => ({ answer: { type: "replay", file: files.written("page.html", PAGE) } }),
    streamed: refused(502, "cli_output_invalid"),
    whole: refused(502, "cli_output_invalid"),
  },
  {
    id: "half-line",
    title: "the CLI exits within a line",
    settings: (files) => ({
      answer: { type: "replay", file: files.recording("truncated-last-line.v2.1.197") },
      exitAtEnd: true,
      exitCode: 0,
    }),
    tokens: RECORDED,
    streamed: refused(502, "cli_no_result", { tokens: "begun" }),
    whole: refused(502, "cli_no_result", { tokens: "begun" }),
  },
  {
    id: "small-pieces",
    title: "the CLI writes five bytes at a time",
    settings: () => ({ pieceBytes: 5 }),
    streamed: answered(),
    whole: answered(),
  },
  {
    id: "hang-before-output",
    title: "the CLI hangs before the text",
    clocks: "short",
    settings: () => ({ hangAfterLines: 2 }),
    streamed: refused(504, "upstream_timeout"),
    whole: refused(504, "upstream_timeout"),
  },
  {
    id: "hang-in-mid-answer",
    title: "the CLI hangs in the middle of the answer",
    clocks: "short",
    agentRaces: true,
    note: "The proxy's clock and the agent's run out together; only the agent's failure knows the tokens.",
    settings: () => ({ hangAfterLines: LEAD_LINES + 1 }),
    streamed: brokenOff(504, "upstream_timeout"),
    whole: refused(504, "upstream_timeout", { tokens: "begun" }),
  },
  {
    id: "flood",
    title: "the CLI writes 10 MB without a line's end, then hangs",
    clocks: "short",
    settings: () => ({ answer: { type: "flood", bytes: 10 * MEGABYTE } }),
    streamed: refused(504, "upstream_timeout"),
    whole: refused(504, "upstream_timeout"),
  },
  {
    id: "great-flood",
    title: "the CLI writes 33 MB without a line's end, more than a line may have",
    settings: () => ({ answer: { type: "flood", bytes: 33 * MEGABYTE } }),
    streamed: refused(502, "cli_output_invalid"),
    whole: refused(502, "cli_output_invalid"),
  },
  {
    id: "lingers",
    title: "the CLI does not exit after its result",
    settings: () => ({ lingerAfterResult: true }),
    streamed: answered(),
    whole: answered(),
  },
  {
    id: "exit-code-after-result",
    title: "the CLI exits with an error after its result",
    note: "The result is the CLI's own word that the answer is whole; its exit code is not.",
    settings: () => ({ exitCode: 3 }),
    streamed: answered(),
    whole: answered(),
  },
  {
    id: "not-logged-in",
    title: "the CLI is not logged in",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("not-logged-in") } }),
    streamed: refused(503, "cli_not_logged_in"),
    whole: refused(503, "cli_not_logged_in"),
  },
  {
    id: "usage-limit",
    title: "the usage limit of the CLI's subscription is reached, until a minute ago",
    note: "Where the limit ends in the future, that is the time to wait.",
    settings: (files) => ({
      answer: { type: "replay", file: files.changed("oauth-rate-limit-rejected", resetAMinuteAgo) },
    }),
    streamed: refused(429, "usage_limit_reached", { retryAfterMs: 0 }),
    whole: refused(429, "usage_limit_reached", { retryAfterMs: 0 }),
  },
  {
    id: "rate-limit",
    title: "the model's API refuses the CLI with 429",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("error-429") } }),
    streamed: refused(429, "rate_limit_exceeded"),
    whole: refused(429, "rate_limit_exceeded"),
  },
  {
    id: "overloaded",
    title: "the model's API is overloaded (529)",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("error-529") } }),
    streamed: refused(503, "upstream_overloaded"),
    whole: refused(503, "upstream_overloaded"),
  },
  {
    id: "overloaded-in-mid-answer",
    title: "the model's API is overloaded in the middle of the answer",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("sse-error-event-mid-stream") } }),
    begun: "partial ",
    tokens: RECORDED,
    streamed: brokenOff(503, "upstream_overloaded"),
    whole: refused(503, "upstream_overloaded", { tokens: "begun" }),
  },
  {
    id: "api-html",
    title: "the model's API answers the CLI with an HTML page",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("error-200-html") } }),
    streamed: refused(502, "upstream_invalid_response"),
    whole: refused(502, "upstream_invalid_response"),
  },
  {
    id: "api-lost",
    title: "the CLI loses its connection to the model's API in the middle of the answer",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("drop-mid-stream") } }),
    begun: "This will be cut ",
    tokens: RECORDED,
    streamed: brokenOff(502, "upstream_connection_failed"),
    whole: refused(502, "upstream_connection_failed", { tokens: "begun" }),
  },
  {
    id: "begins-anew",
    title: "the CLI loses its connection in the middle of the answer and begins anew",
    note: "What was sent cannot be taken back, and an answer with a doubled beginning would be no answer.",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("drop-mid-stream-recovers") } }),
    begun: "This will be cut ",
    tokens: RECORDED,
    streamed: brokenOff(502, "cli_repeated_output"),
    whole: refused(502, "cli_repeated_output", { tokens: "begun" }),
  },
  {
    id: "unexpected-tool",
    title: "the CLI has a tool",
    note: "It is started without any; a prompt from elsewhere must never reach one.",
    settings: (files) => ({ answer: { type: "replay", file: files.recording("tool-use-mcp") } }),
    streamed: refused(502, "cli_unexpected_tool"),
    whole: refused(502, "cli_unexpected_tool"),
  },
];

function resetAMinuteAgo(recording: string): string {
  return recording.replaceAll(/"resetsAt":\d+/g, `"resetsAt":${Math.floor(Date.now() / 1000) - 60}`);
}
