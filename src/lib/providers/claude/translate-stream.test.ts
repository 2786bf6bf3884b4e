import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import { createSseParser } from "../../http/sse.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { createClaudeStreamTranslator, type ClaudeStreamTranslator } from "./translate-stream.ts";

interface RecordedEvent {
  readonly type: string;
  readonly index?: number;
  readonly delta?: Record<string, string | null>;
  readonly content_block?: { readonly type: string; readonly id?: string; readonly name?: string };
  readonly message?: { readonly model: string };
}

const folder = join(import.meta.dirname, "__fixtures__");
const recordings = readdirSync(folder).filter((name) => name.endsWith(".events.ndjson"));

function readRecording(name: string): RecordedEvent[] {
  const text = readFileSync(join(folder, name), "utf8");
  return text.match(/[^\n]+/g)!.map((line) => JSON.parse(line) as RecordedEvent);
}

function translate(events: readonly unknown[], translator = createClaudeStreamTranslator()): ChatDelta[] {
  return events.flatMap((event) => translator.push(event));
}

function textOf(deltas: readonly ChatDelta[], field: "content" | "reasoning_content" | "reasoning_signature"): string {
  return deltas.map((delta) => delta[field] ?? "").join("");
}

/** What an OpenAI client gathers per tool call index, by the SDKs' own rules: the first delta names the call, strings are appended. */
function gatherCalls(deltas: readonly ChatDelta[]): { id: string; name: string; arguments: string }[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { index, id, type, function: called } of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
    const isFirst = index === calls.length;
    if (
      isFirst !== (type === "function") ||
      isFirst !== (id !== undefined) ||
      isFirst !== (called?.name !== undefined)
    ) {
      throw new Error(`the delta of call ${index} would change the call's identity`);
    }
    if (isFirst) calls.push({ id: id ?? "", name: called?.name ?? "", arguments: called?.arguments ?? "" });
    else calls[index]!.arguments += called!.arguments!;
  }
  return calls;
}

const recordedText = (events: readonly RecordedEvent[], type: string, field: string): string =>
  events.map(({ delta }) => (delta?.["type"] === type ? delta[field] : "")).join("");

describe("recorded streams", () => {
  it("are all here", () => expect(recordings.length).toBeGreaterThanOrEqual(71));

  it.each(recordings)("%s: all text, thinking and tool calls come out, whole and in order", (name) => {
    const events = readRecording(name);
    const deltas = translate(events);
    expect(textOf(deltas, "content")).toBe(recordedText(events, "text_delta", "text"));
    expect(textOf(deltas, "reasoning_content")).toBe(recordedText(events, "thinking_delta", "thinking"));
    expect(textOf(deltas, "reasoning_signature")).toBe(recordedText(events, "signature_delta", "signature"));

    const starts = events.filter((event) => event.content_block?.type === "tool_use");
    const calls = gatherCalls(deltas);
    expect(calls.map(({ id, name }) => ({ id, name }))).toEqual(
      starts.map(({ content_block }) => ({ id: content_block!.id, name: content_block!.name })),
    );
    const json = recordedText(events, "input_json_delta", "partial_json");
    expect(calls.map((call) => call.arguments).join("")).toBe(json);
  });

  it.each(recordings)("%s: the end, the model and the usage are those of the last message", (name) => {
    const events = readRecording(name);
    const translator = createClaudeStreamTranslator();
    translate(events, translator);
    const starts = events.filter(({ type }) => type === "message_start");
    expect(translator.messageStarts).toBe(starts.length);
    expect(translator.model).toBe(starts.at(-1)!.message!.model);
    const last = events.slice(events.lastIndexOf(starts.at(-1)!));
    const stopReason = last.findLast(({ delta }) => delta?.["stop_reason"])?.delta?.["stop_reason"];
    expect(translator.stopReason).toBe(stopReason ?? undefined);
    expect(translator.ended).toBe(stopReason != null && last.at(-1)!.type === "message_stop");
    expect(translator.usage()?.prompt_tokens).toBe(2125);
  });

  it.each(["unicode.events.ndjson", "tool-use-mcp-parallel.events.ndjson", "thinking.events.ndjson"])(
    "%s: cut at every byte offset, the bytes of the stream give the same deltas",
    (name) => {
      const events = readRecording(name);
      const expected = translate(events);
      const bytes = Buffer.from(
        events.map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`).join(""),
      );
      const differing: number[] = [];
      for (let offset = 0; offset <= bytes.length; offset += 1) {
        const translator = createClaudeStreamTranslator();
        const deltas: ChatDelta[] = [];
        const parser = createSseParser({
          onEvent: ({ data }) => void deltas.push(...translator.push(JSON.parse(data))),
        });
        parser.push(bytes.subarray(0, offset));
        parser.push(bytes.subarray(offset));
        if (JSON.stringify(deltas) !== JSON.stringify(expected)) differing.push(offset);
      }
      expect(expected.length).toBeGreaterThan(0);
      expect(differing).toEqual([]);
    },
  );
});

const start = {
  type: "message_start",
  message: { model: "claude-sonnet-5-5", usage: { input_tokens: 1, output_tokens: 1 } },
};
const toolStart = (index: number, input: unknown = {}) => ({
  type: "content_block_start",
  index,
  content_block: { type: "tool_use", id: `toolu_${index}`, name: "get_weather", input },
});
const end = (stopReason: string | null) => [
  { type: "message_delta", delta: { stop_reason: stopReason }, usage: { output_tokens: 7 } },
  { type: "message_stop" },
];

function translated(events: readonly unknown[]): { deltas: ChatDelta[]; translator: ClaudeStreamTranslator } {
  const translator = createClaudeStreamTranslator();
  return { deltas: translate(events, translator), translator };
}

describe("tool calls", () => {
  it("give `{}` when the model calls without arguments", () => {
    const { deltas } = translated([
      start,
      toolStart(0),
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: "" } },
      { type: "content_block_stop", index: 0 },
      ...end("tool_use"),
    ]);
    expect(gatherCalls(deltas)).toEqual([{ id: "toolu_0", name: "get_weather", arguments: "{}" }]);
  });

  it("give their arguments when these come whole with the block's start", () => {
    const { deltas } = translated([start, toolStart(2, { city: "Zürich" }), { type: "content_block_stop", index: 2 }]);
    expect(gatherCalls(deltas)).toEqual([{ id: "toolu_2", name: "get_weather", arguments: '{"city":"Zürich"}' }]);
  });

  it("keep their indexes dense when text blocks stand between them, and their deltas apart when interleaved", () => {
    const json = (index: number, text: string) => ({
      type: "content_block_delta",
      index,
      delta: { type: "input_json_delta", partial_json: text },
    });
    const { deltas } = translated([start, toolStart(1), toolStart(4), json(4, "[1"), json(1, "{}"), json(4, "]")]);
    expect(gatherCalls(deltas).map((call) => call.arguments)).toEqual(["{}", "[1]"]);
  });

  it("are complete even when the source leaves out content_block_stop", () => {
    const { deltas, translator } = translated([start, toolStart(0), ...end("tool_use")]);
    expect(gatherCalls(deltas)[0]!.arguments).toBe("{}");
    expect(translator.finishReason).toBe("tool_calls");
  });

  it("carry the name the client knows", () => {
    const translator = createClaudeStreamTranslator({ toolName: (name) => name.replace(/^mcp__x__/, "") });
    const deltas = translate(readRecording("tool-use-mcp.events.ndjson"), translator);
    expect(gatherCalls(deltas)[0]!.name).toBe("get_weather");
  });
});

describe("the end", () => {
  it.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["pause_turn", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool_calls"],
    ["refusal", "content_filter"],
    ["something_new", "stop"],
  ])("%s is %s", (stopReason, finishReason) => {
    const { translator } = translated([start, ...end(stopReason)]);
    expect(translator).toMatchObject({ stopReason, finishReason, ended: true });
  });

  it("is tool_calls whenever calls were made, unless the answer was cut", () => {
    expect(translated([start, toolStart(0), ...end("end_turn")]).translator.finishReason).toBe("tool_calls");
    expect(translated([start, toolStart(0), ...end("max_tokens")]).translator.finishReason).toBe("length");
  });

  it("is none without a stop reason, without message_stop, or when blocks were abandoned", () => {
    expect(translated([start, ...end(null)]).translator).toMatchObject({ ended: false, finishReason: undefined });
    expect(translated([start, end("end_turn")[0]]).translator.ended).toBe(false);
    const abandoned = [start, end("end_turn")[0], { type: "message_stop", abandoned_blocks: { from_block_index: 0 } }];
    expect(translated(abandoned).translator.ended).toBe(false);
  });

  it("belongs to the current message: a new message_start takes it back", () => {
    const { translator } = translated([start, ...end("max_tokens"), start]);
    expect(translator).toMatchObject({ ended: false, stopReason: undefined, messageStarts: 2 });
  });
});

describe("usage", () => {
  it("counts what the cache served and took into the prompt, and shows both apart", () => {
    const usage = { input_tokens: 25, cache_creation_input_tokens: 100, cache_read_input_tokens: 2000 };
    const { translator } = translated([
      { type: "message_start", message: { model: "m", usage: { ...usage, output_tokens: 1 } } },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn" },
        usage: { output_tokens: 80, output_tokens_details: { thinking_tokens: 30 } },
      },
    ]);
    expect(translator.usage()).toEqual({
      prompt_tokens: 2125,
      completion_tokens: 80,
      total_tokens: 2205,
      prompt_tokens_details: { cached_tokens: 2000, cache_write_tokens: 100 },
      completion_tokens_details: { reasoning_tokens: 30 },
    });
  });

  it("is absent while it is not told, and has no details that were not told", () => {
    const translator = createClaudeStreamTranslator();
    expect(translator.usage()).toBeUndefined();
    translator.push({ type: "message_start", message: { model: "m", usage: { input_tokens: 3 } } });
    expect(translator.usage()).toBeUndefined();
    translator.push({ type: "message_delta", delta: {}, usage: { output_tokens: 4 } });
    expect(translator.usage()).toEqual({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
  });
});

describe("what is not an answer", () => {
  it.each([
    ["overloaded_error", "upstream_overloaded", 503],
    ["rate_limit_error", "rate_limit_exceeded", 429],
    ["api_error", "upstream_error", 502],
    ["authentication_error", "upstream_unauthorized", 502],
    ["brand_new_error", "upstream_error", 502],
  ])("an error event of type %s throws %s", (type, code, status) => {
    const translator = createClaudeStreamTranslator();
    const push = () => translator.push({ type: "error", error: { type, message: "no" } });
    expect(push).toThrow(GatewayError);
    expect(push).toThrow(expect.objectContaining({ code, status }));
  });

  it("pings, unknown events, blocks and deltas, and redacted thinking give nothing", () => {
    const { deltas } = translated([
      start,
      { type: "ping" },
      { type: "from_the_future", x: 1 },
      { type: "content_block_start", index: 0, content_block: { type: "redacted_thinking", data: "x" } },
      { type: "content_block_start", index: 1, content_block: { type: "server_tool_use", id: "s", name: "n" } },
      { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "{}" } },
      { type: "content_block_delta", index: 1, delta: { type: "citations_delta", citation: {} } },
      { type: "content_block_stop", index: 1 },
    ]);
    expect(deltas).toEqual([]);
  });

  it.each([
    [null],
    ["text"],
    [{ type: "message_start" }],
    [{ type: "content_block_start", index: 0 }],
    [{ type: "content_block_delta", index: 0, delta: { type: "text_delta" } }],
    [{ type: "content_block_start", index: 0, content_block: { type: "tool_use", name: "n" } }],
  ])("an event that lacks what its type promises is an invalid response: %j", (event) => {
    expect(() => createClaudeStreamTranslator().push(event)).toThrow(
      expect.objectContaining({ code: "upstream_invalid_response" }),
    );
  });

  it("one delta of a megabyte passes unchanged", () => {
    const text = "lorem ".repeat(174_763);
    const event = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
    expect(translate([start, event])).toEqual([{ content: text }]);
  });
});

describe("the signature of thinking", () => {
  const thinkingBlock = (index: number, text: string, signature: string) => [
    { type: "content_block_start", index, content_block: { type: "thinking", thinking: "", signature: "" } },
    { type: "content_block_delta", index, delta: { type: "thinking_delta", thinking: text } },
    { type: "content_block_delta", index, delta: { type: "signature_delta", signature } },
    { type: "content_block_stop", index },
  ];
  const answer = (blocks: readonly object[]) => {
    const translator = createClaudeStreamTranslator();
    const end = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } };
    const events = [{ type: "message_start", message: { model: "m", usage: {} } }, ...blocks, end];
    return events.flatMap((event) => translator.push(event));
  };

  it("is given at the end of an answer with one thinking block", () => {
    expect(answer(thinkingBlock(0, "hm", "SIG"))).toEqual([
      { reasoning_content: "hm" },
      { reasoning_signature: "SIG" },
    ]);
  });

  it("is left out where there are several, since each holds for its own block alone", () => {
    const deltas = answer([...thinkingBlock(0, "a", "SIG1"), ...thinkingBlock(1, "b", "SIG2")]);
    expect(deltas).toEqual([{ reasoning_content: "a" }, { reasoning_content: "b" }]);
  });
});
