import { afterEach, describe, expect, it } from "vitest";
import type { StandInConfig } from "../../test/claude-stand-in/config.ts";
import { createStandInClaude, type StandInClaude } from "../../test/claude-stand-in/create-stand-in.ts";
import { chatBodyOf } from "../../test/provider-call.ts";
import { createClaudeExecutor } from "../cli/claude/executor.ts";
import { createClaudeCliProvider, type ClaudeCliProviderOptions } from "./claude-cli.ts";
import type { LLMProvider, ProviderCall, ServedBy } from "./types.ts";

describe("the claude-cli provider", () => {
  let standIn: StandInClaude;
  let provider: LLMProvider;

  async function start(config: StandInConfig, more: Partial<ClaudeCliProviderOptions> = {}): Promise<void> {
    standIn = await createStandInClaude(config);
    const executor = createClaudeExecutor({ command: standIn.command, passEnvironment: [], environment: process.env });
    provider = createClaudeCliProvider({ executor, maxConcurrency: 1, ...more });
  }

  afterEach(async () => {
    await provider.close();
    await standIn.remove();
  });

  const call = (text: string, signal: AbortSignal = new AbortController().signal): ProviderCall => ({
    requestId: "r",
    keyId: "key_1",
    completionId: "chatcmpl-1",
    created: 5,
    body: chatBodyOf({ model: "sonnet", messages: [{ role: "user", content: text }], seed: 1 }),
    model: "sonnet",
    signal,
    timeouts: { connectMs: 1000, firstOutputMs: 20_000, idleMs: 20_000, totalMs: 60_000 },
  });

  it("streams deltas and names who served", async () => {
    await start({ answer: { type: "echo" } });
    const opened: ServedBy[] = [];
    let text = "";
    const outcome = await provider.stream(call("hello there"), {
      open: (servedBy) => opened.push(servedBy),
      delta(delta) {
        text += delta.content ?? "";
        return true;
      },
      raw: () => true,
      onDrain() {},
    });
    expect(text).toBe("hello there");
    expect(opened).toEqual([{ model: "claude-sonnet-5-5", droppedParams: ["seed"] }]);
    expect(outcome).toMatchObject({
      finishReason: "stop",
      servedBy: { model: "claude-sonnet-5-5" },
      usageEstimated: false,
    });
  });

  it("completes with the whole answer in one object", async () => {
    await start({ answer: { type: "echo" } });
    const { body } = await provider.complete(call("hello there"));
    expect(body).toMatchObject({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 5,
      model: "claude-sonnet-5-5",
      choices: [{ message: { role: "assistant", content: "hello there" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
    });
  });

  it("rejects with the CLI's failure", async () => {
    await start({ answer: { type: "echo" }, exitAfterLines: 3 });
    await expect(provider.complete(call("x"))).rejects.toMatchObject({ code: "cli_crashed" });
  });

  it("runs no more than its processes at a time, lets some wait and refuses the rest with 429", async () => {
    await start({ answer: { type: "echo" }, delayMs: 20 }, { maxWaiting: 1 });
    const first = provider.complete(call("one"));
    const second = provider.complete(call("two"));
    await expect(provider.complete(call("three"))).rejects.toMatchObject({ code: "agents_busy", status: 429 });
    const texts = (await Promise.all([first, second])).map(({ body }) => Object(body).choices[0].message.content);
    expect(texts).toEqual(["one", "two"]);
  });

  it("is available while the CLI is there and logged in, for Claude's models only", async () => {
    await start({ answer: { type: "echo" } }, { probeMaxAgeMs: 0 });
    expect((await provider.getModels()).map((model) => model.id)).toContain("sonnet");
    expect(provider.isAvailable("claude-opus-4-8")).toBe(true);
    expect(provider.isAvailable("gpt-5")).toBe(false);
    await standIn.configure({ answer: { type: "echo" }, loggedIn: false });
    await expect.poll(async () => (await provider.getModels()).length, { timeout: 5000 }).toBe(0);
    expect(provider.isAvailable("sonnet")).toBe(false);
  });
});
