import { existsSync } from "node:fs";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isAlive } from "../../../test/is-alive.ts";
import { createStandInClaude, type StandInClaude } from "../../../test/claude-stand-in/create-stand-in.ts";
import type { StandInConfig, StandInRecord } from "../../../test/claude-stand-in/config.ts";
import { generateDeltas } from "../../../test/claude-stand-in/generate-answer.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { createClaudeExecutor, type ClaudeExecutorOptions } from "./executor.ts";

const fixture = (name: string): string => join(import.meta.dirname, "__fixtures__", `${name}.ndjson`);
const replay = (name: string): StandInConfig => ({ answer: { type: "replay", file: fixture(name) } });

interface Collected extends CliSink {
  text: string;
  deltas: number;
  opened: { model: string; droppedParams: readonly string[] }[];
}

function collect(onDelta: (collected: Collected) => boolean = () => true): Collected {
  const collected: Collected = {
    text: "",
    deltas: 0,
    opened: [],
    open: (opened) => collected.opened.push({ ...opened }),
    delta(delta) {
      collected.text += delta.content ?? "";
      collected.deltas += 1;
      return onDelta(collected);
    },
    onDrain() {},
  };
  return collected;
}

describe("createClaudeExecutor", () => {
  let standIn: StandInClaude;
  let executor: CliExecutor;
  let workDirectory: string;

  async function start(
    config: StandInConfig,
    passEnvironment: readonly string[] = [],
    more: Partial<ClaudeExecutorOptions> = {},
  ): Promise<void> {
    workDirectory = await mkdtemp(join(tmpdir(), "executor-test-"));
    standIn = await createStandInClaude(config);
    executor = createClaudeExecutor({
      command: standIn.command,
      workDirectory,
      passEnvironment,
      environment: { ...process.env, SECRET_OF_OWNER: "hunter2hunter2", MY_TOKEN: "passed-token-value" },
      lingerMs: 300,
      ...more,
    });
  }

  function execution(more: Partial<CliExecution> = {}, request: Partial<ChatRequest> = {}): CliExecution {
    return {
      requestId: "r",
      request: { model: "opus", messages: [{ role: "user", content: "hi" }], ...request },
      model: "opus",
      signal: new AbortController().signal,
      firstEventTimeoutMs: 20_000,
      idleTimeoutMs: 20_000,
      deadlineMs: 30_000,
      ...more,
    };
  }

  async function failureOf(run: Promise<CliOutcome>): Promise<CliFailure> {
    const thrown: unknown = await run.then(
      () => expect.fail("the run succeeded"),
      (error: unknown) => error,
    );
    if (!(thrown instanceof CliFailure)) throw thrown;
    return thrown;
  }

  /** What is left of the runs so far: processes and folders. */
  async function findLeftovers(): Promise<string[]> {
    const left = executor.running() === 0 ? [] : [`${executor.running()} running`];
    for (const record of await standIn.readRecords()) {
      if ("pid" in record && isAlive(record.pid)) left.push(`${record.type} ${record.pid}`);
      if (record.type === "start" && existsSync(dirname(record.cwd))) left.push(record.cwd);
    }
    return left;
  }

  /** The record of the first start. */
  async function readStart(): Promise<Extract<StandInRecord, { type: "start" }>> {
    const record = (await standIn.readRecords()).find((candidate) => candidate.type === "start");
    if (record === undefined) throw new Error("no start was recorded");
    return record;
  }

  afterEach(async () => {
    await executor.killAll();
    await standIn.remove();
    // Fails when the executor left anything there.
    await rmdir(workDirectory);
  });

  it("streams a recorded answer with its model, finish reason, usage and cost, and leaves nothing", async () => {
    await start(replay("plain-minimal"));
    const sink = collect();
    const outcome = await executor.execute(execution({}, { seed: 1 }), sink);
    expect(sink.text).toBe("Hello! This is a plain answer.");
    expect(sink.deltas).toBe(6);
    expect(sink.opened).toEqual([{ model: "claude-opus-5-5", droppedParams: ["seed"] }]);
    expect(outcome).toMatchObject({
      finishReason: "stop",
      model: "claude-opus-5-5",
      usageSource: "cli",
      usage: { prompt_tokens: 2125, completion_tokens: 9, total_tokens: 2134 },
      costUsd: 0.00118,
      droppedParams: ["seed"],
    });
    expect(await findLeftovers()).toEqual([]);
  });

  it("runs in an empty private folder with an allow-listed environment and no text in argv", async () => {
    await start({ answer: { type: "echo" } }, ["MY_TOKEN"]);
    await executor.execute(
      execution(
        {},
        {
          messages: [
            { role: "system", content: "MARK-S" },
            { role: "user", content: "MARK-U" },
          ],
        },
      ),
      collect(),
    );
    const record = await readStart();
    expect(record.cwdFiles).toEqual([]);
    expect(record.cwd.startsWith(workDirectory)).toBe(true);
    expect(record.environment).not.toHaveProperty("SECRET_OF_OWNER");
    expect(record.environment).toMatchObject({
      MY_TOKEN: "passed-token-value",
      CLAUDE_CODE_DISABLE_ATTACHMENTS: "1",
      CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
    });
    expect(JSON.stringify([record.argv, record.environment])).not.toMatch(/MARK-/);
  });

  it("gives the system prompt and earlier turns with their true roles, one after the other", async () => {
    await start({ answer: { type: "echo" } });
    const sink = collect();
    await executor.execute(
      execution(
        {},
        {
          messages: [
            { role: "system", content: "be brief" },
            { role: "user", content: "one" },
            { role: "assistant", content: "two" },
            { role: "user", content: "three \u2028 four" },
          ],
        },
      ),
      sink,
    );
    expect(sink.text).toBe("three \u2028 four");
    const lines = (await standIn.readRecords()).flatMap((record) => (record.type === "stdin" ? [record.line] : []));
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { type: "control_request", request: { subtype: "initialize", systemPrompt: ["be brief"] } },
      { type: "user", shouldQuery: false, message: { content: [{ text: "one" }] } },
      { type: "assistant", message: { content: [{ text: "two" }] } },
      { type: "user", message: { content: [{ text: "three \u2028 four" }] } },
    ]);
  });

  it.each([
    [1, 60],
    [7, 400],
    [64, 4000],
  ])("gives exact bytes of a generated answer that arrives in pieces of %i bytes", async (pieceBytes, characters) => {
    await start({ answer: { type: "generate", seed: 42, characters }, pieceBytes });
    const sink = collect();
    await executor.execute(execution(), sink);
    expect(sink.text).toBe(generateDeltas(42, characters).join(""));
  });

  it("gives an answer of 1 MB whole", async () => {
    await start({ answer: { type: "generate", seed: 7, characters: 1024 * 1024 } });
    const sink = collect();
    const outcome = await executor.execute(execution(), sink);
    expect(sink.text).toBe(generateDeltas(7, 1024 * 1024).join(""));
    expect(outcome.usage?.completion_tokens).toBe(sink.deltas);
  });

  it("stops reading while the reader is slow, gives nothing meanwhile and everything after", async () => {
    await start({ answer: { type: "generate", seed: 3, characters: 600_000 } });
    const expected = generateDeltas(3, 600_000);
    let drain: (() => void) | undefined;
    let refused = false;
    let givenWhileSlow = 0;
    const paused = Promise.withResolvers<void>();
    const sink = collect((collected) => {
      if (refused && drain !== undefined) givenWhileSlow += 1;
      if (collected.deltas !== 10) return true;
      refused = true;
      return false;
    });
    sink.onDrain = (listener) => {
      drain = listener;
      paused.resolve();
    };
    const run = executor.execute(execution({ idleTimeoutMs: 1000 }), sink);
    await paused.promise;
    const record = await readStart();
    // Longer than the idle timeout: a slow reader is not a silent CLI.
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(sink.deltas).toBe(10);
    expect(isAlive(record.pid)).toBe(true);
    const resume = drain;
    drain = undefined;
    resume?.();
    await run;
    expect(givenWhileSlow).toBe(0);
    expect(sink.text).toBe(expected.join(""));
  });

  it("gives everything in order to a reader that refuses each delta and catches up at once", async () => {
    await start({ answer: { type: "generate", seed: 5, characters: 20_000 } });
    const sink = collect(() => false);
    sink.onDrain = (listener) => listener();
    await executor.execute(execution(), sink);
    expect(sink.text).toBe(generateDeltas(5, 20_000).join(""));
  });

  it("ends a CLI that closes its output without a result and stays", async () => {
    await start({ answer: { type: "echo" }, closeOutputAfterLines: 5 });
    expect(await failureOf(executor.execute(execution(), collect()))).toMatchObject({ code: "cli_no_result" });
    expect(await findLeftovers()).toEqual([]);
  });

  it("ends the answer at the first max_tokens, although the CLI goes on", async () => {
    await start(replay("max-tokens-stop"));
    const sink = collect();
    const outcome = await executor.execute(execution(), sink);
    expect(outcome).toMatchObject({ finishReason: "length", usage: { completion_tokens: 32_000 } });
    expect(sink.text).toBe("This answer is cut off in the mid");
    expect(await findLeftovers()).toEqual([]);
  });

  it.each([
    ["not-logged-in", "cli_not_logged_in", 503],
    ["oauth-rate-limit-rejected", "usage_limit_reached", 429],
    ["error-429", "rate_limit_exceeded", 429],
    ["error-529", "upstream_overloaded", 503],
    ["error-404-unknown-model", "upstream_model_not_found", 502],
    ["error-prompt-too-long", "context_length_exceeded", 400],
    ["slash-command-not-available", "cli_output_invalid", 502],
    ["tool-use-mcp", "cli_unexpected_tool", 502],
    ["interrupted-sigterm", "cli_crashed", 502],
  ] as const)("tells the failure of %s as %s", async (name, code, status) => {
    await start({ ...replay(name), exitAtEnd: name === "interrupted-sigterm" });
    expect(await failureOf(executor.execute(execution(), collect()))).toMatchObject({ code, status });
    expect(await findLeftovers()).toEqual([]);
  });

  it("refuses to answer when the CLI lists a tool, before anything is forwarded", async () => {
    await start({ answer: { type: "echo" }, initTools: ["Bash"] });
    const sink = collect();
    expect(await failureOf(executor.execute(execution(), sink))).toMatchObject({ code: "cli_unexpected_tool" });
    expect([sink.opened, sink.deltas]).toEqual([[], 0]);
    expect(await findLeftovers()).toEqual([]);
  });

  it("tells a crash with its exit code and the end of stderr, without secrets", async () => {
    await start({ answer: { type: "echo" }, exitAfterLines: 4, exitCode: 9, stderr: "boom passed-token-value\n" }, [
      "MY_TOKEN",
    ]);
    const failure = await failureOf(executor.execute(execution(), collect()));
    expect(failure).toMatchObject({ code: "cli_crashed", stderrTail: "boom [removed]" });
    expect(failure.message).toContain("exit code 9");
    expect(await findLeftovers()).toEqual([]);
  });

  it("counts a truncated output as a failure although the exit code is 0", async () => {
    await start({ ...replay("truncated-last-line.v2.1.197"), exitAtEnd: true, exitCode: 0 });
    expect(await failureOf(executor.execute(execution(), collect()))).toMatchObject({ code: "cli_no_result" });
    expect(await findLeftovers()).toEqual([]);
  });

  it("bounds a line without an end", async () => {
    await start({ answer: { type: "flood", bytes: 40 * 1024 * 1024 } });
    expect(await failureOf(executor.execute(execution(), collect()))).toMatchObject({ code: "cli_output_invalid" });
    expect(await findLeftovers()).toEqual([]);
  });

  it.each([
    [{ hangAfterLines: 0 }, { firstEventTimeoutMs: 700 }, "upstream_timeout"],
    [{ hangAfterLines: 6 }, { idleTimeoutMs: 400 }, "upstream_timeout"],
    [{ delayMs: 100 }, { deadlineMs: 900 }, "deadline_exceeded"],
  ] as const)("ends a CLI that %j by its clock %j", async (fault, clocks, code) => {
    await start({ answer: { type: "generate", seed: 1, characters: 20_000 }, ...fault });
    expect(await failureOf(executor.execute(execution(clocks), collect()))).toMatchObject({ code });
    expect(await findLeftovers()).toEqual([]);
  });

  it("ends a process that lingers after its result, and its answer counts", async () => {
    await start({ ...replay("plain-minimal"), lingerAfterResult: true, ignoreSigterm: true });
    expect(await executor.execute(execution(), collect())).toMatchObject({ finishReason: "stop" });
    expect(await findLeftovers()).toEqual([]);
  });

  it("ends grandchildren with the group, also one that holds the output open", async () => {
    await start({ answer: { type: "echo" }, grandchild: "holds-output" });
    await executor.execute(execution(), collect());
    await standIn.configure({ answer: { type: "echo" }, grandchild: "holds-output", exitAfterLines: 5, exitCode: 0 });
    expect(await failureOf(executor.execute(execution(), collect()))).toMatchObject({ code: "cli_no_result" });
    expect((await standIn.readRecords()).filter((record) => record.type === "grandchild")).toHaveLength(2);
    expect(await findLeftovers()).toEqual([]);
  });

  it.each([false, true])("ends the whole group on abort (SIGTERM ignored: %s) within 2 s", async (ignoreSigterm) => {
    await start({
      answer: { type: "generate", seed: 1, characters: 100_000 },
      delayMs: 20,
      ignoreSigterm,
      grandchild: "quiet",
    });
    const controller = new AbortController();
    let abortedAt = 0;
    const sink = collect((collected) => {
      if (collected.deltas === 3) {
        abortedAt = performance.now();
        controller.abort();
      }
      return true;
    });
    expect(await failureOf(executor.execute(execution({ signal: controller.signal }), sink))).toMatchObject({
      code: "cancelled",
    });
    expect(performance.now() - abortedAt).toBeLessThan(2000);
    expect(await findLeftovers()).toEqual([]);
  });

  it("starts nothing for a request that is aborted already", async () => {
    await start({ answer: { type: "echo" } });
    await expect(executor.execute(execution({ signal: AbortSignal.abort() }), collect())).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(await standIn.readRecords()).toEqual([]);
  });

  it("ends all runs by killAll and can be used again", async () => {
    await start({ answer: { type: "generate", seed: 1, characters: 100_000 }, delayMs: 20, ignoreSigterm: true });
    const begun = Promise.withResolvers<void>();
    const sink = collect(() => {
      begun.resolve();
      return true;
    });
    const runs = [failureOf(executor.execute(execution(), sink)), failureOf(executor.execute(execution(), collect()))];
    await begun.promise;
    expect(executor.running()).toBe(2);
    await executor.killAll();
    expect((await Promise.all(runs)).map((failure) => failure.code)).toEqual(["cli_crashed", "cli_crashed"]);
    expect(await findLeftovers()).toEqual([]);
    await standIn.configure({ answer: { type: "echo" } });
    expect(await executor.execute(execution(), collect())).toMatchObject({ finishReason: "stop" });
  });

  it("tells a missing CLI", async () => {
    await start({ answer: { type: "echo" } });
    const missing = createClaudeExecutor({
      command: "/nonexistent/claude",
      workDirectory,
      passEnvironment: [],
      environment: {},
    });
    await expect(missing.execute(execution(), collect())).rejects.toMatchObject({ code: "cli_missing", status: 503 });
    expect(await missing.probe()).toMatchObject({ ready: false, version: null });
    await missing.killAll();
  });

  it("probes version and login, and says what to mend", async () => {
    await start({ answer: { type: "echo" } });
    expect(await executor.probe()).toEqual({ name: "claude", version: "2.1.329", ready: true, reason: null });
    await standIn.configure({ answer: { type: "echo" }, loggedIn: false });
    expect(await executor.probe()).toMatchObject({
      ready: false,
      reason: expect.stringContaining("claude auth login"),
    });
    await standIn.configure({ answer: { type: "echo" }, version: "2.1.196" });
    expect(await executor.probe()).toMatchObject({
      ready: false,
      version: "2.1.196",
      reason: expect.stringContaining("2.1.197"),
    });
  });

  describe("with a spare process", () => {
    const starts = async (): Promise<number[]> =>
      (await standIn.readRecords()).flatMap((record) => (record.type === "start" ? [record.pid] : []));
    const spareOf = async (count: number): Promise<number> => {
      await expect.poll(async () => (await starts()).length).toBe(count);
      return (await starts()).at(-1) ?? 0;
    };
    const say = (text: string) => ({ messages: [{ role: "user" as const, content: text }] });

    it("gives the next request a process that runs already, and no process two requests", async () => {
      await start({ answer: { type: "echo" } }, [], { spares: 1 });
      await executor.execute(execution({}, say("first")), collect());
      const spare = await spareOf(2);
      expect(executor.running()).toBe(0);
      expect(isAlive(spare)).toBe(true);
      const sink = collect();
      await executor.execute(execution({}, { ...say("second"), max_tokens: 2000, reasoning_effort: "low" }), sink);
      expect(sink.text).toBe("second");
      await expect.poll(() => isAlive(spare)).toBe(false);
      await spareOf(3);
      const lines = (await standIn.readRecords()).flatMap((record) => (record.type === "stdin" ? [record.line] : []));
      expect(lines.filter((line) => line.includes("apply_flag_settings"))).toEqual([
        expect.stringContaining('"CLAUDE_CODE_MAX_OUTPUT_TOKENS":"2000"'),
      ]);
      for (const text of ["first", "second"]) expect(lines.filter((line) => line.includes(text))).toHaveLength(1);
    });

    it("starts a process of its own for another model, and ends the spare of the model before", async () => {
      await start({ answer: { type: "echo" } }, [], { spares: 1 });
      await executor.execute(execution(), collect());
      const spare = await spareOf(2);
      await executor.execute(execution({ model: "sonnet" }), collect());
      await expect.poll(() => isAlive(spare)).toBe(false);
      await spareOf(4);
    });

    it("serves a request whose spare died while it waited", async () => {
      await start({ answer: { type: "echo" } }, [], { spares: 1 });
      await executor.execute(execution(), collect());
      const spare = await spareOf(2);
      process.kill(spare, "SIGKILL");
      await expect.poll(() => isAlive(spare)).toBe(false);
      const sink = collect();
      await executor.execute(execution({}, say("again")), sink);
      expect(sink.text).toBe("again");
    });

    it("leaves no spare and no folder when everything is ended, and may be used again", async () => {
      await start({ answer: { type: "echo" } }, [], { spares: 2 });
      await executor.execute(execution(), collect());
      await spareOf(3);
      await executor.killAll();
      expect(await findLeftovers()).toEqual([]);
      await executor.execute(execution(), collect());
      await spareOf(6);
    });

    it("ends the spare of a request that was aborted before it began", async () => {
      await start({ answer: { type: "echo" } }, [], { spares: 1 });
      await executor.execute(execution(), collect());
      const spare = await spareOf(2);
      await expect(executor.execute(execution({ signal: AbortSignal.abort() }), collect())).rejects.toThrow();
      await expect.poll(() => isAlive(spare)).toBe(false);
    });
  });
});
