import { array, assert, constantFrom, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { CliFailure } from "../types.ts";
import { createLineInterpreter, type InterpretedStep } from "./interpret-lines.ts";
import { INITIALIZE_REQUEST_ID } from "./stdin-lines.ts";

const init = { type: "system", subtype: "init", tools: [], mcp_servers: [] };
const start = (id = "m1"): unknown => ({
  type: "stream_event",
  event: { type: "message_start", message: { id, model: "claude-x", usage: { input_tokens: 5, output_tokens: 1 } } },
});
const block = {
  type: "stream_event",
  event: { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
};
const text = (value: string): unknown => ({
  type: "stream_event",
  event: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: value } },
});
const stopped = (reason: string | null): unknown => ({
  type: "stream_event",
  event: { type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 3 } },
});
const messageStop = { type: "stream_event", event: { type: "message_stop" } };
const abandoned = { ...messageStop, abandoned_blocks: [0] };
const whole = (id: string, value: string): unknown => ({
  type: "assistant",
  message: { id, model: "claude-x", content: [{ type: "text", text: value }] },
});
const result = (more: Record<string, unknown> = {}): unknown => ({
  type: "result",
  is_error: false,
  result: "",
  stop_reason: "end_turn",
  usage: { input_tokens: 5, output_tokens: 3 },
  ...more,
});

function interpret(lines: readonly unknown[], earlierTurns = 0): readonly InterpretedStep[] {
  const interpreter = createLineInterpreter({ earlierTurns, now: () => 0, tools: undefined });
  return lines.flatMap((line) => interpreter.push(typeof line === "string" ? line : JSON.stringify(line)));
}

function failureOf(lines: readonly unknown[], earlierTurns = 0): CliFailure {
  try {
    interpret(lines, earlierTurns);
  } catch (error) {
    if (error instanceof CliFailure) return error;
    throw error;
  }
  return expect.fail("nothing failed");
}

/** How many ends a sequence gives up to the first line with one, or up to its failure, which must be a CliFailure. */
function countEnds(sequence: readonly unknown[], earlierTurns: number): number {
  const interpreter = createLineInterpreter({ earlierTurns, now: () => 0, tools: undefined });
  try {
    for (const line of sequence) {
      const steps = interpreter.push(typeof line === "string" ? line : JSON.stringify(line));
      const ends = steps.filter((step) => step.type === "end").length;
      if (ends > 0) return ends;
    }
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
  }
  return 0;
}

const textOf = (steps: readonly InterpretedStep[]): string =>
  steps.map((step) => (step.type === "delta" ? (step.delta.content ?? "") : "")).join("");

describe("createLineInterpreter", () => {
  it("tells the tokens so far, for an end that no line tells", () => {
    const interpreter = createLineInterpreter({ earlierTurns: 0, now: () => 0, tools: undefined });
    const totalAfter = (line: unknown): number | undefined => {
      interpreter.push(JSON.stringify(line));
      return interpreter.usage()?.total_tokens;
    };
    expect([init, start(), text("x"), stopped("end_turn")].map(totalAfter)).toEqual([undefined, 6, 6, 8]);
  });

  it("keeps them where the result of a failure has none", () => {
    expect(failureOf([init, start(), result({ is_error: true, usage: null })]).usage?.total_tokens).toBe(6);
  });

  it("goes on with a second attempt when nothing of the first was forwarded", () => {
    const steps = interpret([
      init,
      start("m1"),
      block,
      abandoned,
      start("m2"),
      block,
      text("ok"),
      stopped("end_turn"),
      messageStop,
      result(),
    ]);
    expect(textOf(steps)).toBe("ok");
    expect(steps.at(-1)).toMatchObject({ type: "end", end: { finishReason: "stop", processEnds: true } });
  });

  it("forwards an answer that came whole once, each of its blocks, when nothing was forwarded before", () => {
    const steps = interpret([init, start("m1"), abandoned, whole("m2", "one "), whole("m2", "two"), result()]);
    expect(textOf(steps)).toBe("one two");
    expect(steps.at(-1)).toMatchObject({ end: { finishReason: "stop", model: "claude-x" } });
  });

  it("does not forward a block again that was streamed", () => {
    expect(
      textOf(
        interpret([init, start(), block, text("ok"), whole("m1", "ok"), stopped("end_turn"), messageStop, result()]),
      ),
    ).toBe("ok");
  });

  it.each([
    ["a second message", [start("m2")]],
    ["a whole answer", [abandoned, whole("m2", "again")]],
  ])("fails at %s after a part was forwarded", (_, lines) => {
    expect(failureOf([init, start("m1"), block, text("part"), ...lines])).toMatchObject({
      code: "cli_repeated_output",
      failover: false,
      usage: { prompt_tokens: 5 },
    });
  });

  it("takes a message with a stop reason for the answer, although the CLI asks the model to go on", () => {
    const steps = interpret([
      init,
      start("m1"),
      block,
      text("thought"),
      stopped("end_turn"),
      messageStop,
      { type: "user", message: {} },
    ]);
    expect(steps.at(-1)).toMatchObject({ type: "end", end: { finishReason: "stop", processEnds: false } });
  });

  it("does not count an answer as whole that has no stop reason, whatever the result says", () => {
    expect(failureOf([init, start(), block, text("part"), stopped(null), abandoned, result()])).toMatchObject({
      code: "upstream_incomplete",
    });
    expect(failureOf([init, whole("m1", "x"), result({ stop_reason: null })])).toMatchObject({
      code: "upstream_incomplete",
    });
  });

  it("judges by is_error, not by subtype", () => {
    expect(failureOf([init, result({ subtype: "success", is_error: true, api_error_status: 500 })])).toMatchObject({
      code: "upstream_error",
    });
  });

  it("never forwards the CLI's own words", () => {
    const synthetic = {
      type: "assistant",
      message: { id: "s", model: "<synthetic>", content: [{ type: "text", text: "Oops" }] },
    };
    expect(failureOf([init, synthetic, result({ result: "Oops" })])).toMatchObject({ code: "cli_output_invalid" });
  });

  it("asks for the next input after the system prompt and after each earlier turn", () => {
    const taken = { type: "control_response", response: { subtype: "success", request_id: INITIALIZE_REQUEST_ID } };
    expect(interpret([taken, init, result(), init, result()], 2)).toEqual([
      { type: "input-taken" },
      { type: "input-taken" },
      { type: "input-taken" },
    ]);
  });

  it("fails when an earlier turn was answered, by the CLI or by the model", () => {
    expect(failureOf([init, result({ result: "/clear is not available" })], 1)).toMatchObject({
      code: "cli_output_invalid",
    });
    expect(failureOf([init, start()], 1)).toMatchObject({ code: "cli_output_invalid" });
  });

  it("fails when the system prompt was refused", () => {
    const refused = { type: "control_response", response: { subtype: "error", request_id: INITIALIZE_REQUEST_ID } };
    expect(failureOf([refused])).toMatchObject({ code: "cli_output_invalid" });
  });

  it.each([
    ["tools", { ...init, tools: ["Bash"] }],
    ["MCP servers", { ...init, mcp_servers: [{ name: "x" }] }],
  ])("fails at an init that lists %s, also in an earlier turn", (_, line) => {
    expect(failureOf([line])).toMatchObject({ code: "cli_unexpected_tool" });
    expect(failureOf([line], 1)).toMatchObject({ code: "cli_unexpected_tool" });
  });

  it("fails at an answer without an init, and at an init that does not say what it lists", () => {
    expect(failureOf([start()])).toMatchObject({ code: "cli_output_invalid" });
    expect(failureOf([whole("m1", "x")])).toMatchObject({ code: "cli_output_invalid" });
    expect(failureOf([{ type: "system", subtype: "init" }])).toMatchObject({ code: "cli_output_invalid" });
  });

  it("refuses what the CLI asks of its host", () => {
    const asked = { type: "control_request", request_id: "q", request: { subtype: "can_use_tool" } };
    expect(interpret([asked])).toEqual([{ type: "asked-host", requestId: "q", request: { subtype: "can_use_tool" } }]);
  });

  it("ignores empty lines, unknown types and unknown fields", () => {
    expect(interpret(["", "{}", '{"type":"new_thing","x":1}', { type: "keep_alive" }])).toEqual([]);
  });

  it.each(["not json", "[]", "null", '"x"', '{"type":"result"}', '{"type":"stream_event"}', '{"type":"assistant"}'])(
    "fails at %s",
    (line) => {
      expect(failureOf([line])).toMatchObject({ code: "cli_output_invalid" });
    },
  );

  it("gives steps or a CliFailure for every sequence of lines, and at most one end", () => {
    const lines = [
      init,
      start("m1"),
      start("m2"),
      block,
      text("a"),
      stopped("end_turn"),
      stopped("max_tokens"),
      stopped(null),
      messageStop,
      abandoned,
      whole("m1", "x"),
      whole("m3", "y"),
      result(),
      result({ is_error: true }),
      { type: "user" },
      "x",
    ];
    assert(
      property(array(constantFrom(...lines), { maxLength: 20 }), nat(2), (sequence, earlierTurns) => {
        expect(countEnds(sequence, earlierTurns)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });
});
