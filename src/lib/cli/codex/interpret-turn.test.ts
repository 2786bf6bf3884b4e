import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLineSplitter } from "../line-splitter.ts";
import { createTurnInterpreter, type TurnOptions, type TurnStep } from "./interpret-turn.ts";

/** What codex 0.169.0 said about one turn, from `turn/started` on; ids and addresses replaced. */
function readRecording(name: string): readonly { readonly method: string; readonly params: unknown }[] {
  const bytes = readFileSync(join(import.meta.dirname, "__fixtures__", `${name}.ndjson`));
  return createLineSplitter()
    .push(bytes)
    .map((line) => JSON.parse(line));
}

const OPTIONS: TurnOptions = {
  clientNames: new Map([
    ["get_weather", "get_weather"],
    ["get_time", "mcp__get_time"],
  ]),
  isSingleCall: false,
  stop: [],
  now: () => 1_795_610_000_000,
  rateLimits: () => undefined,
};

function interpret(name: string, more: Partial<TurnOptions> = {}) {
  const interpreter = createTurnInterpreter({ ...OPTIONS, ...more });
  const steps = readRecording(name).flatMap(({ method, params }) => [...interpreter.push(method, params)]);
  const deltas = steps.flatMap((step) => (step.type === "delta" ? [step.delta] : []));
  const last = steps.findLast((step) => step.type !== "progress");
  return { deltas, text: deltas.map(({ content }) => content ?? "").join(""), last, steps };
}

const endOf = (last: TurnStep | undefined) =>
  last?.type === "end" ? { ...last.end, isOpen: last.isOpen } : expect.fail(`ended with ${last?.type}`);
const failureOf = (last: TurnStep | undefined) =>
  last?.type === "failure" ? last : expect.fail(`ended with ${last?.type}`);

const USAGE = {
  prompt_tokens: 1200,
  completion_tokens: 42,
  total_tokens: 1242,
  prompt_tokens_details: { cached_tokens: 1000 },
  completion_tokens_details: { reasoning_tokens: 10 },
};

describe("createTurnInterpreter", () => {
  it("gives a recorded answer delta by delta, with its usage, from a turn that is over", () => {
    const { deltas, last } = interpret("plain");
    expect(deltas).toEqual([{ content: "Hello" }, { content: " there" }, { content: "!" }]);
    expect(endOf(last)).toEqual({ finishReason: "stop", usage: USAGE, isOpen: false });
  });

  it("takes the usage of an answer that ended at a stop text from its response's late end, and of no other response", () => {
    const interpreter = createTurnInterpreter({ ...OPTIONS, stop: ["there"] });
    const lines = readRecording("plain");
    const steps = lines.flatMap(({ method, params }) => [...interpreter.push(method, params)]);
    expect(steps.filter(({ type }) => type === "end")).toEqual([
      { type: "end", end: { finishReason: "stop", usage: undefined }, isOpen: true },
    ]);
    expect(interpreter.usage()).toEqual(USAGE);
    interpreter.push("rawResponse/completed", {
      usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0, totalTokens: 2 },
    });
    interpreter.push("rawResponse/completed", { usage: "none" });
    expect(interpreter.usage()).toEqual(USAGE);
  });

  it("gives the reasoning's summary apart", () => {
    expect(interpret("reasoning").deltas).toEqual([
      { reasoning_content: "think" },
      { reasoning_content: "ing" },
      { content: "done" },
    ]);
  });

  it("gathers all calls of a response, with the model's arguments and the client's names, and leaves the turn open", () => {
    const { deltas, last } = interpret("tool-calls");
    expect(deltas).toEqual([
      { content: "Let me" },
      { content: " look." },
      {
        tool_calls: [
          { index: 0, id: "c1", type: "function", function: { name: "get_weather", arguments: '{"city": "Bern"}' } },
        ],
      },
      { tool_calls: [{ index: 1, id: "c2", type: "function", function: { name: "mcp__get_time", arguments: "{}" } }] },
    ]);
    expect(endOf(last)).toEqual({ finishReason: "tool_calls", usage: USAGE, isOpen: true });
  });

  it("gives the first call only where the client wants one at a time", () => {
    const { deltas, last } = interpret("tool-calls", { isSingleCall: true });
    expect(deltas.flatMap(({ tool_calls: calls }) => calls ?? []).map(({ id }) => id)).toEqual(["c1"]);
    expect(endOf(last).finishReason).toBe("tool_calls");
  });

  it("ends at once with a call that the CLI would answer itself, for its arguments are no JSON", () => {
    const { deltas, last } = interpret("tool-call-no-json");
    expect(deltas[0]?.tool_calls?.[0]?.function?.arguments).toBe('{"city": ');
    expect(endOf(last)).toMatchObject({ finishReason: "tool_calls", isOpen: true });
  });

  it.each(["unknown-tool", "patch-call"])(
    "fails at a call that is not of the client's tools, which the CLI has not either: %s",
    (name) => {
      const { error, isOpen, isUnsafe } = failureOf(interpret(name).last);
      expect({ code: error.code, isOpen, isUnsafe }).toEqual({
        code: "cli_unexpected_tool",
        isOpen: true,
        isUnsafe: false,
      });
    },
  );

  it("parts the messages of one answer, and takes a message that came whole", () => {
    expect(interpret("two-messages").text).toBe("one\n\ntwo");
  });

  it.each([
    ["max-tokens", "length"],
    ["content-filter", "content_filter"],
  ])("takes %s for an end, not a failure", (name, finishReason) => {
    const { text, last } = interpret(name);
    expect(text).toBe("partial");
    expect(endOf(last)).toMatchObject({ finishReason, isOpen: false });
  });

  it.each([
    ["refusal", "upstream_invalid_response", true],
    ["drop-mid-stream", "upstream_incomplete", true],
    ["drop-early", "upstream_connection_failed", true],
    ["error-400", "invalid_request", false],
    ["error-401", "upstream_unauthorized", true],
    ["error-429", "rate_limit_exceeded", true],
    ["error-usage-limit", "usage_limit_reached", true],
    ["error-context-window", "context_length_exceeded", false],
    ["error-rate-limit-wait", "rate_limit_exceeded", true],
    ["interrupted", "cli_crashed", true],
  ])("tells the failure of %s", (name, code, failover) => {
    const { error, isUnsafe } = failureOf(interpret(name).last);
    expect({ code: error.code, failover: error.failover, isUnsafe }).toEqual({ code, failover, isUnsafe: false });
  });

  it("tells how long to wait where the CLI does", () => {
    const rateLimits = () => ({
      primary: { usedPercent: 100, resetsAt: 1_795_620_000 },
      secondary: { usedPercent: 3 },
    });
    expect(failureOf(interpret("error-usage-limit", { rateLimits }).last).error.retryAfterMs).toBe(10_000_000);
    expect(failureOf(interpret("error-rate-limit-wait").last).error.retryAfterMs).toBe(11_500);
  });

  it("ends at a stop text and leaves the turn open", () => {
    const { text, last } = interpret("plain", { stop: ["o th"] });
    expect(text).toBe("Hell");
    expect(endOf(last)).toMatchObject({ finishReason: "stop", isOpen: true });
  });

  it("gives what it held back for a stop text that did not come", () => {
    expect(interpret("plain", { stop: ["!!"] }).text).toBe("Hello there!");
  });

  it("ends before a second response of the same turn", () => {
    const interpreter = createTurnInterpreter(OPTIONS);
    const lines = readRecording("plain");
    const first = lines.slice(0, -1).flatMap(({ method, params }) => [...interpreter.push(method, params)]);
    expect(first.some(({ type }) => type === "end")).toBe(false);
    const more = interpreter.push("item/agentMessage/delta", { itemId: "msg2", delta: "second" });
    expect(more).toEqual([{ type: "end", end: { finishReason: "stop", usage: USAGE }, isOpen: true }]);
    expect(interpreter.push("item/agentMessage/delta", { itemId: "msg2", delta: "third" })).toEqual([]);
  });

  it.each([
    ["item/started", { item: { type: "commandExecution", id: "i" } }],
    ["item/started", { item: { type: "somethingNew", id: "i" } }],
    ["item/completed", { item: { type: "fileChange", id: "i" } }],
    ["item/mcpToolCall/progress", {}],
    ["command/exec/outputDelta", {}],
  ])("takes an act of the CLI's own for unsafe, at whatever time: %s %j", (method, params) => {
    const unsafe = { isUnsafe: true, isOpen: true, error: { code: "cli_unexpected_tool" } };
    for (const before of ["", "plain", "unknown-tool", "tool-calls", "error-400"]) {
      const interpreter = createTurnInterpreter(OPTIONS);
      const lines = before === "" ? [] : readRecording(before);
      for (const line of lines) interpreter.push(line.method, line.params);
      const [step, ...more] = interpreter.push(method, params);
      expect(failureOf(step)).toMatchObject(unsafe);
      // Once is enough.
      expect([...more, ...interpreter.push(method, params)]).toEqual([]);
    }
  });

  it("refuses a call that the response did not have", () => {
    const interpreter = createTurnInterpreter(OPTIONS);
    const [step] = interpreter.push("item/tool/call", { callId: "c9", tool: "get_weather", arguments: {} });
    expect(failureOf(step).error.code).toBe("cli_output_invalid");
  });
});
