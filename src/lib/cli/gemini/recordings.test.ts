import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { createClientTools } from "./client-tools.ts";
import { createLineInterpreter, type PromptReply } from "./interpret-lines.ts";
import { readTelemetry } from "./read-telemetry.ts";
import { settleAnswer, type SettledAnswer } from "./settle-answer.ts";

const tools = createClientTools([{ type: "function", function: { name: "get_weather" } }]);

interface Replayed {
  readonly steps: readonly string[];
  readonly deltas: readonly ChatDelta[];
  readonly reply: PromptReply;
}

function fixture(name: string): string {
  return join(import.meta.dirname, "__fixtures__", name);
}

/** Feeds a recording of 0.61.0's output, line by line. */
function replay(name: string, hasTools = false): Replayed {
  const interpreter = createLineInterpreter({ markText: "/the-mark", hasTools });
  const steps: string[] = [];
  const deltas: ChatDelta[] = [];
  for (const line of readFileSync(fixture(`${name}.ndjson`), "utf8").split("\n")) {
    for (const step of interpreter.push(line)) {
      steps.push(step.type);
      if (step.type === "delta") deltas.push(step.delta);
      if (step.type === "reply") return { steps, deltas, reply: step.reply };
    }
  }
  return expect.fail("no reply was recorded");
}

async function settle(name: string, hasTools = false): Promise<SettledAnswer> {
  const telemetry = await readTelemetry(fixture(`${name}.telemetry.json`));
  const { reply } = replay(name, hasTools);
  let count = 0;
  const createId = (): string => `call_${(count += 1)}`;
  return settleAnswer({ reply, telemetry, tools: hasTools ? tools : undefined, createId });
}

describe("recordings of gemini 0.61.0", () => {
  it("give the answer's pieces only, after three lines were asked for, and nothing of the history told back", () => {
    const { steps, deltas } = replay("plain");
    expect(deltas).toEqual([{ content: "Hello" }, { content: " Grüße \u2028👩‍👩‍👧" }]);
    expect(steps).toEqual(["next", "next", "next", "delta", "delta", "reply"]);
  });

  it("give thoughts as reasoning", () => {
    expect(replay("thinking").deltas).toEqual([{ reasoning_content: "**Plan**\nI think" }, { content: "so" }]);
  });

  it("tell finish reason, model and tokens", async () => {
    expect(await settle("plain")).toEqual({
      finishReason: "stop",
      model: "gemini-fake-001",
      usage: {
        prompt_tokens: 100,
        completion_tokens: 27,
        total_tokens: 127,
        prompt_tokens_details: { cached_tokens: 40 },
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      deltas: [],
    });
  });

  it.each([
    ["max-tokens", "length"],
    ["safety", "content_filter"],
  ])("tell %s as %s, though the reply says end_turn", async (name, finishReason) => {
    expect(replay(name).reply).toMatchObject({ result: { stopReason: "end_turn" } });
    expect((await settle(name)).finishReason).toBe(finishReason);
  });

  it("tell a stream without a finish reason as incomplete, though the reply says end_turn", async () => {
    expect(replay("no-finish").reply).toMatchObject({ result: { stopReason: "end_turn" } });
    await expect(settle("no-finish")).rejects.toMatchObject({ code: "upstream_incomplete" });
  });

  it("tell the API's status, where the reply has a 500", async () => {
    expect(replay("not-found").reply).toMatchObject({ error: { code: 500 } });
    await expect(settle("not-found")).rejects.toMatchObject({ code: "upstream_model_not_found", failover: true });
  });

  it("tell the calls of the client's tools with their arguments as the model gave them", async () => {
    const { finishReason, deltas } = await settle("tools", true);
    expect(finishReason).toBe("tool_calls");
    expect(deltas).toEqual([
      {
        tool_calls: [
          {
            index: 0,
            id: "call_1",
            type: "function",
            function: { name: "get_weather", arguments: '{"city":"Paris"}' },
          },
        ],
      },
      {
        tool_calls: [
          { index: 1, id: "call_2", type: "function", function: { name: "get_weather", arguments: '{"city":7}' } },
        ],
      },
    ]);
  });

  it("tell a call of a tool that the client has not", async () => {
    await expect(settle("own-tool")).rejects.toMatchObject({ code: "cli_unexpected_tool" });
  });

  it("count the router's tokens too, where the CLI chooses the model", async () => {
    expect((await settle("router")).usage?.total_tokens).toBe(254);
  });

  it("end without telemetry in a failure, not in a guess", () => {
    const { reply } = replay("plain");
    const settleBlindly = (): unknown =>
      settleAnswer({ reply, telemetry: undefined, tools: undefined, createId: String });
    expect(settleBlindly).toThrow(GatewayError);
    expect(settleBlindly).toThrow("did not tell how the answer ended");
  });
});
