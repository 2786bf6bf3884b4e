import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../http/errors.ts";
import type { FinishReason } from "../../openai/usage.ts";
import { createLineSplitter } from "../line-splitter.ts";
import { CliFailure } from "../types.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { createClientTools, type ClientTools } from "./client-tools.ts";
import { createLineInterpreter, type AnswerEnd } from "./interpret-lines.ts";

const FOLDER = join(import.meta.dirname, "__fixtures__");
const NOW = 1_795_246_000_000;
const recordings = readdirSync(FOLDER).map((file) => file.replace(/\.ndjson$/, ""));

interface Reading {
  text: string;
  thinking: string;
  toolCalls: NonNullable<ChatDelta["tool_calls"]>;
  end?: AnswerEnd;
  failure?: CliFailure;
}

const EARLIER_TURNS: Readonly<Record<string, number>> = { "multi-turn-injected": 2, "tool-result-continuation": 1 };
const withoutVersion = (name: string): string => name.replace(/\.v2\.1\.197$/, "");

function readRecording(name: string, pieces: readonly Uint8Array[], tools?: ClientTools): Reading {
  const earlierTurns = EARLIER_TURNS[withoutVersion(name)] ?? 0;
  const interpreter = createLineInterpreter({ earlierTurns, now: () => NOW, tools });
  const splitter = createLineSplitter();
  const reading: Reading = { text: "", thinking: "", toolCalls: [] };
  try {
    for (const line of pieces.flatMap((piece) => splitter.push(piece))) {
      for (const step of interpreter.push(line)) {
        if (step.type === "delta") {
          reading.text += step.delta.content ?? "";
          reading.thinking += step.delta.reasoning_content ?? "";
          reading.toolCalls.push(...(step.delta.tool_calls ?? []));
        }
        if (step.type === "end") return { ...reading, end: step.end };
      }
    }
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    reading.failure = error;
  }
  return reading;
}

const bytesOf = (name: string): Buffer => readFileSync(join(FOLDER, `${name}.ndjson`));

const PLAIN = "Hello! This is a plain answer.";
const CUT = "This will be cut ";
const WORDS = "word0 word1 word2 word3 word4 word5 ";

/** Recording -> text, finish reason, whether the CLI ends by itself. Both versions where both were recorded. */
const ANSWERS: Readonly<Record<string, readonly [string, FinishReason, boolean]>> = {
  "context-window-exceeded": ["xx", "length", false],
  "control-protocol": [PLAIN, "stop", true],
  "empty-answer": ["", "stop", false],
  "error-429-once": [PLAIN, "stop", true],
  "error-500-once": [PLAIN, "stop", true],
  "error-529-fallback-model": [PLAIN, "stop", true],
  "image-input": [PLAIN, "stop", true],
  "max-tokens-stop": ["This answer is cut off in the mid", "length", false],
  "max-tokens-then-continues": ["This answer is cut off in the mid", "length", false],
  "multi-block": ["First block.Second block.Fourth.", "stop", true],
  "multi-turn-injected": [PLAIN, "stop", true],
  "multi-turn-resume-file": [PLAIN, "stop", true],
  "oauth-rate-limit-allowed": ["ok", "stop", true],
  "oauth-rate-limit-warning": ["ok, but nearly out.", "stop", true],
  "pause-turn": ["pausing", "stop", true],
  "plain-bare": [PLAIN, "stop", true],
  "plain-minimal": [PLAIN, "stop", true],
  "plain-no-partial": [PLAIN, "stop", true],
  "plain-stream-json-input": [PLAIN, "stop", true],
  "plain-text": [PLAIN, "stop", true],
  "redacted-thinking": ["ok", "stop", true],
  refusal: ["I can", "content_filter", false],
  "refusal-no-fallback": ["I can", "content_filter", false],
  "stop-sequence": ["one two", "stop", true],
  thinking: ["The answer is 4.", "stop", true],
  "warm-clear-between": [PLAIN, "stop", true],
  "warm-two-requests": [PLAIN, "stop", true],
};

/** Recording -> the failure's code and the text that had been forwarded before it. */
const FAILURES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  "drop-mid-stream": ["upstream_connection_failed", CUT],
  "drop-mid-stream-recovers": ["cli_repeated_output", CUT],
  "drop-mid-stream-retries": ["cli_repeated_output", CUT],
  "error-200-empty": ["upstream_invalid_response", ""],
  "error-200-html": ["upstream_invalid_response", ""],
  "error-400": ["invalid_request", ""],
  "error-401": ["upstream_unauthorized", ""],
  "error-403": ["upstream_unauthorized", ""],
  "error-404-unknown-model": ["upstream_model_not_found", ""],
  "error-413": ["request_too_large", ""],
  "error-429": ["rate_limit_exceeded", ""],
  "error-429-long-retry-after": ["rate_limit_exceeded", ""],
  "error-500": ["upstream_error", ""],
  "error-502-html": ["upstream_error", ""],
  "error-529": ["upstream_overloaded", ""],
  "error-connection-dropped-early": ["upstream_connection_failed", ""],
  "error-connection-refused": ["upstream_connection_failed", ""],
  "error-credit-balance": ["upstream_billing", ""],
  "error-max-budget": ["upstream_error", PLAIN],
  "error-prompt-too-long": ["context_length_exceeded", ""],
  "error-timeout": ["upstream_timeout", ""],
  "interrupted-control-request": ["cli_crashed", WORDS],
  "interrupted-sigint": ["cli_crashed", WORDS],
  "json-schema": ["cli_unexpected_tool", ""],
  "json-schema-invalid-output": ["cli_unexpected_tool", ""],
  "json-schema-text-answer": ["cli_unexpected_tool", ""],
  "not-logged-in": ["cli_not_logged_in", ""],
  "oauth-401": ["cli_not_logged_in", ""],
  "oauth-rate-limit-rejected": ["usage_limit_reached", ""],
  "slash-command-not-available": ["cli_output_invalid", ""],
  "sse-error-event-mid-stream": ["upstream_overloaded", "partial "],
  "sse-malformed-json": ["upstream_invalid_response", "fine "],
  "stream-ends-early-fallback": ["cli_repeated_output", CUT],
  "tool-call-handoff-sigterm": ["cli_unexpected_tool", ""],
  "tool-hook-defer": ["cli_unexpected_tool", ""],
  "tool-permission-deny-interrupt": ["cli_unexpected_tool", ""],
  "tool-result-continuation": ["cli_unexpected_tool", ""],
  "tool-sdk-mcp-answered": ["cli_unexpected_tool", ""],
  "tool-use-bad-json": ["cli_unexpected_tool", ""],
  "tool-use-denied": ["cli_unexpected_tool", ""],
  "tool-use-mcp": ["cli_unexpected_tool", ""],
  "tool-use-mcp-max-turns-1": ["cli_unexpected_tool", ""],
  "tool-use-mcp-parallel": ["cli_unexpected_tool", ""],
  "tool-use-unknown-tool": ["cli_unexpected_tool", ""],
};

/** Recordings that stop without a `result`: neither an end nor a failure comes from the lines alone. */
const UNFINISHED: Readonly<Record<string, string>> = { "interrupted-sigterm": WORDS, "truncated-last-line": "" };

const UNICODE = /^Grüße, 世界 🌍👩‍👩‍👧 .*مرحبا/su;

describe("the recordings of the real CLI", () => {
  const namedIn = (table: Readonly<Record<string, unknown>>): string[] =>
    recordings.filter((name) => Object.hasOwn(table, withoutVersion(name)));

  it("are all held against an expectation", () => {
    const known = [ANSWERS, FAILURES, UNFINISHED].flatMap(namedIn);
    expect([...known, "unicode", "unicode.v2.1.197"].toSorted()).toEqual(recordings.toSorted());
  });

  it.each(namedIn(ANSWERS))("%s is an answer", (name) => {
    const { text, end, failure } = readRecording(name, [bytesOf(name)]);
    expect(failure).toBeUndefined();
    expect([text, end?.finishReason, end?.processEnds]).toEqual(ANSWERS[withoutVersion(name)]);
    expect(end?.usage?.prompt_tokens).toBe(2125);
    expect(end?.usage?.prompt_tokens_details).toEqual({ cached_tokens: 2000, cache_write_tokens: 100 });
    expect(end?.usage?.completion_tokens_details ?? null).toBeNull();
  });

  it.each(namedIn(FAILURES))("%s is a failure", (name) => {
    const { text, end, failure } = readRecording(name, [bytesOf(name)]);
    expect([failure?.code, text]).toEqual(FAILURES[withoutVersion(name)]);
    expect(end).toBeUndefined();
  });

  it.each(namedIn(UNFINISHED))("%s has no end", (name) => {
    const { text, end, failure } = readRecording(name, [bytesOf(name)]);
    expect([text, end, failure]).toEqual([UNFINISHED[withoutVersion(name)], undefined, undefined]);
  });

  it.each(["unicode", "unicode.v2.1.197"])("%s keeps every character", (name) => {
    const { text, end } = readRecording(name, [bytesOf(name)]);
    expect(end?.finishReason).toBe("stop");
    expect(text).toMatch(UNICODE);
    for (const character of ["\u0000", "\u001b", "\u2028", "\u2029", "\ufeff"]) expect(text).toContain(character);
  });

  it("tells the reset time of a usage limit", () => {
    const { failure } = readRecording("oauth-rate-limit-rejected", [bytesOf("oauth-rate-limit-rejected")]);
    expect(failure).toMatchObject({ status: 429, retryAfterMs: 1_795_246_775_000 - NOW });
  });

  it("gives thinking apart from the text", () => {
    expect(readRecording("thinking", [bytesOf("thinking")]).thinking).toBe("Let me think about this.");
  });

  it("shows an invalid request's own words and no other text of the CLI", () => {
    const messages = recordings.flatMap((name) => readRecording(name, [bytesOf(name)]).failure?.message ?? []);
    expect(messages).toContain("messages.0.content: mock invalid request");
    for (const message of messages) expect(message).not.toMatch(/127\.0\.0\.1|API Error|·|\/login|home\//);
  });

  it("counts an unstreamed answer's unknown tokens as unknown, not as 0", () => {
    const name = "stream-ends-early-fallback.v2.1.197";
    const unstreamed = bytesOf(name)
      .toString("utf8")
      .replaceAll(/^.*"stream_event".*\n/gm, "");
    const reading = readRecording(name, [Buffer.from(unstreamed)]);
    expect(reading.text).toBe("non-streaming answer");
    expect(reading.end).toMatchObject({ finishReason: "stop", model: "claude-opus-4-8", usage: undefined });
  });
});

/** The splitter holds nothing over a line's end, so each line is cut by itself, with the start of the next behind it. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    yield bytes.subarray(start, end === -1 ? bytes.length : end + 1);
    start = end === -1 ? bytes.length : end + 1;
  }
}

/** A line of 60 KB repeats itself: every 61st offset is tried after this many. */
const EVERY_OFFSET_UP_TO = 16 * 1024;
const NEXT_LINE = Buffer.from('{"type":"ü');

describe("the recordings cut at every byte offset", () => {
  /** The first offset of a line at which cutting changes it. */
  function findBadOffset(line: Buffer): number | undefined {
    const bytes = Buffer.concat([line, NEXT_LINE]);
    const whole = createLineSplitter().push(bytes)[0];
    for (let offset = 1; offset < bytes.length; offset += offset < EVERY_OFFSET_UP_TO ? 1 : 61) {
      const splitter = createLineSplitter();
      const first = splitter.push(bytes.subarray(0, offset));
      const cut = first[0] ?? splitter.push(bytes.subarray(offset))[0];
      if (cut !== whole) return offset;
    }
    return undefined;
  }

  it.each(recordings)("%s gives the same lines", (name) => {
    expect([...linesOf(bytesOf(name))].map(findBadOffset).filter((offset) => offset !== undefined)).toEqual([]);
  });

  it.each(["unicode.v2.1.197", "oauth-rate-limit-rejected", "drop-mid-stream"])("%s gives the same answer", (name) => {
    const bytes = bytesOf(name);
    const summarize = ({ text, end, failure }: Reading): string => `${text}|${end?.finishReason}|${failure?.code}`;
    const whole = summarize(readRecording(name, [bytes]));
    const offsets = Array.from(bytes.subarray(1), (_, index) => index + 1);
    const bad = offsets.filter(
      (offset) => summarize(readRecording(name, [bytes.subarray(0, offset), bytes.subarray(offset)])) !== whole,
    );
    expect(bad).toEqual([]);
  });

  it.each(recordings)("%s gives the same answer byte by byte", (name) => {
    const bytes = bytesOf(name);
    const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    expect(readRecording(name, single)).toEqual(readRecording(name, [bytes]));
  });
});

describe("the recordings of the real CLI with a client's tools", () => {
  const tools = createClientTools([
    { name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } },
  ]);

  it.each(["tool-call-handoff-sigterm", "tool-call-handoff-sigterm.v2.1.197"])(
    "%s: the call has the client's name, its whole arguments, and ends the answer at once",
    (name) => {
      const { text, toolCalls, end } = readRecording(name, [bytesOf(name)], tools);
      expect(text).toBe("Let me check the weather.");
      expect(toolCalls[0]).toEqual({
        index: 0,
        id: "toolu_0001",
        type: "function",
        function: { name: "get_weather", arguments: "" },
      });
      const json = toolCalls.map((call) => call.function?.arguments ?? "").join("");
      expect(JSON.parse(json)).toEqual({ city: "Zürich", unit: "celsius" });
      expect(end).toMatchObject({
        finishReason: "tool_calls",
        processEnds: false,
        usage: { prompt_tokens: 2125, completion_tokens: 50 },
      });
    },
  );

  it.each(["tool-result-continuation", "tool-result-continuation.v2.1.197"])(
    "%s: an answer after a tool's result ends as any other",
    (name) => {
      const { text, toolCalls, end } = readRecording(name, [bytesOf(name)], tools);
      expect({ text, toolCalls }).toEqual({ text: PLAIN, toolCalls: [] });
      expect(end).toMatchObject({ finishReason: "stop", processEnds: true });
    },
  );

  it("tool-use-mcp: other tools than the client's end the run", () => {
    const name = "tool-use-mcp";
    expect(readRecording(name, [bytesOf(name)], tools).failure?.code).toBe("cli_unexpected_tool");
  });

  it("tool-use-unknown-tool: so does an offer without them, and another provider may be tried", () => {
    const name = "tool-use-unknown-tool";
    const { failure } = readRecording(name, [bytesOf(name)], tools);
    expect(failure).toMatchObject({ code: "unsupported_parameter", failover: true });
  });
});
