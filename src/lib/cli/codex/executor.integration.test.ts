import { existsSync } from "node:fs";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { StandInCodexConfig, StandInCodexRecord, StandInTurn } from "../../../test/codex-stand-in/config.ts";
import { createStandInCodex, type StandInCodex } from "../../../test/codex-stand-in/create-stand-in.ts";
import { isAlive } from "../../../test/is-alive.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { createCodexExecutor, type CodexExecutorOptions } from "./executor.ts";

interface Collected extends CliSink {
  text: string;
  opened: { model: string; droppedParams: readonly string[] }[];
}

function collect(onDelta: (text: string) => boolean = () => true, onDrain: CliSink["onDrain"] = () => {}): Collected {
  const collected: Collected = {
    text: "",
    opened: [],
    open: (opened) => collected.opened.push({ ...opened }),
    delta(delta) {
      collected.text += delta.content ?? "";
      return onDelta(collected.text);
    },
    onDrain,
  };
  return collected;
}

/** A prompt that makes the stand-in answer so. */
const prompt = (turn: StandInTurn): Partial<ChatRequest> => ({
  messages: [{ role: "user", content: JSON.stringify({ turn }) }],
});
const line = (method: string, params: object, id?: number): string =>
  JSON.stringify({ id, method, params: { threadId: "THREAD", turnId: "TURN", ...params } });

describe("createCodexExecutor", () => {
  let standIn: StandInCodex;
  let executor: CliExecutor;
  let workDirectory: string;

  async function start(config: StandInCodexConfig = {}, more: Partial<CodexExecutorOptions> = {}): Promise<void> {
    workDirectory = await mkdtemp(join(tmpdir(), "codex-executor-test-"));
    standIn = await createStandInCodex(config);
    executor = createCodexExecutor({
      command: standIn.command,
      workDirectory,
      passEnvironment: ["MY_TOKEN"],
      environment: {
        ...process.env,
        CODEX_HOME: "/owner",
        SECRET_OF_OWNER: "hunter2hunter2",
        MY_TOKEN: "passed-token",
      },
      interruptMs: 300,
      ...more,
    });
  }

  function execution(request: Partial<ChatRequest> = {}, more: Partial<CliExecution> = {}): CliExecution {
    return {
      requestId: "r",
      request: { model: "codex", messages: [{ role: "user", content: "hello from the prompt" }], ...request },
      model: "codex",
      signal: new AbortController().signal,
      firstEventTimeoutMs: 15_000,
      idleTimeoutMs: 15_000,
      deadlineMs: 18_000,
      ...more,
    };
  }

  const run = (request: Partial<ChatRequest> = {}, sink: CliSink = collect(), more: Partial<CliExecution> = {}) =>
    executor.execute(execution(request, more), sink);

  async function failureOf(outcome: Promise<CliOutcome>): Promise<CliFailure> {
    const thrown: unknown = await outcome.then(
      () => expect.fail("the run succeeded"),
      (error: unknown) => error,
    );
    if (!(thrown instanceof CliFailure)) throw thrown;
    return thrown;
  }

  async function records<Type extends StandInCodexRecord["type"]>(type: Type) {
    const all = await standIn.readRecords();
    return all.filter((entry): entry is Extract<StandInCodexRecord, { type: Type }> => entry.type === type);
  }

  async function turnsStarted(count: number): Promise<void> {
    const countTurns = async () => (await records("call")).filter(({ method }) => method === "turn/start").length;
    await expect.poll(countTurns, { timeout: 10_000 }).toBe(count);
  }

  async function findLeftovers(): Promise<string[]> {
    const left = executor.running() === 0 ? [] : [`${executor.running()} running`];
    for (const record of await standIn.readRecords()) {
      if ("pid" in record && isAlive(record.pid)) left.push(`${record.type} ${record.pid}`);
      if (record.type === "start" && existsSync(dirname(record.cwd))) left.push(record.cwd);
    }
    return left;
  }

  afterEach(async () => {
    await executor.killAll();
    expect(await findLeftovers()).toEqual([]);
    await standIn.remove();
    // Fails when the executor left anything there.
    await rmdir(workDirectory);
  });

  it("serves one request after the other, and several at a time, on one process with a thread each", async () => {
    await start();
    const sink = collect();
    const outcome = await run({ seed: 1 }, sink);
    expect(sink.text).toBe("hello from the prompt");
    expect(sink.opened).toEqual([{ model: "gpt-stand-in", droppedParams: ["seed"] }]);
    expect(outcome).toMatchObject({
      finishReason: "stop",
      usageSource: "cli",
      usage: { prompt_tokens: 8, completion_tokens: 4, total_tokens: 12 },
    });
    expect(executor.running()).toBe(0);
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const own = collect();
        await run(prompt({ text: name, repeat: 20, delayMs: 5 }), own);
        return own.text;
      }),
    );
    expect(answers).toEqual(["a", "b", "c", "d"].map((name) => name.repeat(20)));
    expect(await records("start")).toHaveLength(1);
    const calls = await records("call");
    const started = calls.filter(({ method }) => method === "thread/start");
    expect(started).toHaveLength(5);
    const threads = calls.filter(({ method }) => method === "turn/start").map(({ params }) => params);
    expect(new Set(threads.map((params) => JSON.stringify(params))).size).toBe(5);
  });

  it("starts the process with an allow-listed environment, in an empty folder, without a text of the client", async () => {
    await start();
    await run();
    const [started] = await records("start");
    expect(started?.cwdFiles).toEqual([]);
    expect(started?.environment).toMatchObject({ CODEX_HOME: "/owner", MY_TOKEN: "passed-token" });
    expect(started?.environment).not.toHaveProperty("SECRET_OF_OWNER");
    expect(started?.argv[0]).toBe("app-server");
    expect(started?.argv.join(" ")).toContain("features.shell_tool=false");
    expect(started?.argv.join(" ")).not.toContain("hello");
  });

  it("opens threads that keep nothing and can do nothing, with the owner's servers off", async () => {
    await start();
    await run({ reasoning_effort: "low" });
    const params = (await records("call")).find(({ method }) => method === "thread/start")?.params;
    expect(params).toMatchObject({
      ephemeral: true,
      sandbox: "read-only",
      approvalPolicy: "never",
      environments: [],
      baseInstructions: "",
      modelProvider: "codewise",
      config: { mcp_servers: { "owner's": { enabled: false } }, model_reasoning_effort: "low" },
    });
  });

  it("fails what runs on a process that ends, with its last words, and starts another for the next", async () => {
    await start({ stderr: "panicked with sk-secret-123456\n" });
    const other = failureOf(run(prompt({ text: "x", hangAfterDeltas: 1 })));
    await turnsStarted(1);
    const sink = collect();
    const crash = await failureOf(run(prompt({ text: "0123456789abcdef".repeat(3), exitAfterDeltas: 2 }), sink));
    expect(crash).toMatchObject({ code: "cli_crashed", failover: true });
    expect(crash.stderrTail).toContain("panicked with [removed]");
    expect(sink.text).toHaveLength(32);
    expect((await other).code).toBe("cli_crashed");
    const after = collect();
    await run({}, after);
    expect(after.text).toBe("hello from the prompt");
    expect(await records("start")).toHaveLength(2);
  });

  it("ends a process that has no request for some time, with all that it started", async () => {
    await start({ grandchild: true }, { idleMs: 200 });
    await run();
    const [started] = await records("start");
    const [grandchild] = await records("grandchild");
    expect(isAlive(started?.pid ?? 0)).toBe(true);
    await expect
      .poll(() => isAlive(started?.pid ?? 0) || isAlive(grandchild?.pid ?? 0), { timeout: 10_000 })
      .toBe(false);
    await expect.poll(findLeftovers, { timeout: 10_000 }).toEqual([]);
    await run();
    expect(await records("start")).toHaveLength(2);
  });

  it("gives a process no more requests than it is to serve, and ends it with the last of them", async () => {
    await start({}, { maxRequests: 2 });
    const long = collect();
    const running = run(prompt({ text: "fine", repeat: 100, delayMs: 20 }), long);
    await run();
    expect(await records("start")).toHaveLength(1);
    const [first] = await records("start");
    const third = collect();
    await run({}, third);
    expect(third.text).toBe("hello from the prompt");
    expect(await records("start")).toHaveLength(2);
    expect(isAlive(first?.pid ?? 0)).toBe(true);
    await running;
    expect(long.text).toBe("fine".repeat(100));
    expect(isAlive(first?.pid ?? 0)).toBe(false);
    await run();
    await run();
    expect(await records("start")).toHaveLength(3);
  });

  it("does not keep a process for being asked whether it is ready", async () => {
    await start({}, { idleMs: 600 });
    await run();
    const [started] = await records("start");
    const probing = new AbortController();
    const probes = (async () => {
      while (!probing.signal.aborted) {
        await executor.probe(probing.signal);
        await wait(50);
      }
    })();
    await expect.poll(() => isAlive(started?.pid ?? 0), { timeout: 10_000 }).toBe(false);
    probing.abort();
    await probes;
  });

  it("interrupts a turn on cancellation and keeps the process", async () => {
    await start();
    const stop = new AbortController();
    const outcome = failureOf(run(prompt({ text: "x", hangAfterDeltas: 1 }), collect(), { signal: stop.signal }));
    await turnsStarted(1);
    await wait(50);
    stop.abort();
    expect((await outcome).code).toBe("cancelled");
    await run();
    expect(await records("start")).toHaveLength(1);
  });

  it("gives the usage of an answer that ended at a stop text where its response completes before its turn ends", async () => {
    await start();
    const usage = { totalTokens: 9, inputTokens: 5, outputTokens: 4 };
    const complete = line("rawResponse/completed", { responseId: "r", usage });
    const sink = collect();
    const outcome = await run({ ...prompt({ text: "one END", lines: [complete] }), stop: ["END"] }, sink);
    expect(sink.text).toBe("one ");
    expect(outcome).toMatchObject({
      finishReason: "stop",
      usageSource: "cli",
      usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
    });
    const unknown = await run({ ...prompt({ text: "one END", hangAfterDeltas: 1 }), stop: ["END"] });
    expect(unknown).toMatchObject({ finishReason: "stop", usageSource: "none", usage: undefined });
    expect(await records("start")).toHaveLength(1);
  });

  it("ends the process of a turn that does not obey, when no other request is on it", async () => {
    await start();
    const turn = { text: "x", hangAfterDeltas: 1, ignoreInterrupt: true };
    const outcome = await failureOf(run(prompt(turn), collect(), { deadlineMs: 2500 }));
    expect(outcome.code).toBe("deadline_exceeded");
    const [started] = await records("start");
    expect(isAlive(started?.pid ?? 0)).toBe(false);
    await run();
    expect(await records("start")).toHaveLength(2);
  });

  it("leaves a turn that does not obey alone while others are on its process, and hears no more of it", async () => {
    await start();
    const sink = collect();
    const other = collect();
    const running = run(prompt({ text: "fine", repeat: 100, delayMs: 40 }), other);
    await expect.poll(() => other.text.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const turn = { text: "x", hangAfterDeltas: 1, ignoreInterrupt: true, keepTalking: "more" };
    const stop = new AbortController();
    const stuck = failureOf(run(prompt(turn), sink, { signal: stop.signal }));
    await expect.poll(() => sink.text, { timeout: 10_000 }).toBe("x");
    stop.abort();
    expect((await stuck).code).toBe("cancelled");
    expect(sink.text).toBe("x");
    const later = collect();
    await run({}, later);
    expect(later.text).toBe("hello from the prompt");
    expect(await records("start")).toHaveLength(2);
    await running;
    expect(other.text).toBe("fine".repeat(100));
    const [first] = await records("start");
    await expect.poll(() => isAlive(first?.pid ?? 0), { timeout: 10_000 }).toBe(false);
  });

  it("keeps the answer of a slow reader and gives it on in its order", async () => {
    await start();
    let drain: (() => void) | undefined;
    let isSlow = true;
    const sink = collect(
      () => !isSlow,
      (listener) => (drain = listener),
    );
    const running = run(prompt({ text: "abcdefgh", repeat: 200 }), sink);
    await expect.poll(() => drain, { timeout: 10_000 }).toBeDefined();
    const other = collect();
    await run({}, other);
    expect(other.text).toBe("hello from the prompt");
    expect(sink.text).toBe("abcdefgh");
    isSlow = false;
    drain?.();
    await running;
    expect(sink.text).toBe("abcdefgh".repeat(200));
  });

  it("fails a reader that is too slow for the bound, and only that one", async () => {
    await start({}, { maxQueuedBytes: 20_000 });
    const slow = failureOf(
      run(
        prompt({ text: "abcdefgh", repeat: 2000, delayMs: 1 }),
        collect(() => false),
      ),
    );
    const other = collect();
    const running = run(prompt({ text: "fine", repeat: 50, delayMs: 10 }), other);
    expect(await slow).toMatchObject({ code: "client_too_slow", failover: false });
    await running;
    expect(other.text).toBe("fine".repeat(50));
    expect(await records("start")).toHaveLength(1);
  });

  it("ends the process at once where it acts by itself, and says so", async () => {
    await start();
    const acts = [
      line("item/started", { item: { type: "commandExecution", id: "i", command: "ls" } }),
      line("item/started", { item: { type: "somethingNew", id: "i" } }),
      line("mcpServer/startupStatus/updated", { name: "evil", status: "starting" }),
      line("hook/started", { run: {} }),
      line("item/commandExecution/requestApproval", { itemId: "i" }, 7),
      line("applyPatchApproval", { callId: "i" }, 8),
    ];
    for (const [index, act] of acts.entries()) {
      const failure = await failureOf(run(prompt({ text: "x", lines: [act] })));
      expect([act, failure.code, failure.failover]).toEqual([act, "cli_unexpected_tool", true]);
      const started = await records("start");
      expect(started).toHaveLength(index + 1);
      await expect.poll(() => isAlive(started.at(-1)?.pid ?? 0), { timeout: 10_000 }).toBe(false);
    }
  }, 30_000);

  it("never gives text twice where the CLI begins an answer again", async () => {
    await start();
    const again = line("error", {
      error: {
        message: "Reconnecting... 1/5",
        codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: null } },
      },
      willRetry: true,
    });
    const repeated = line("item/agentMessage/delta", { itemId: "msg", delta: "part" });
    const sink = collect();
    const failure = await failureOf(run(prompt({ text: "part", lines: [again, repeated] }), sink));
    expect(failure.code).toBe("upstream_incomplete");
    expect(sink.text).toBe("part");
  });

  it("fails a run whose lines it cannot understand", async () => {
    await start();
    for (const bad of ["not json", '{"method":', "[1]", line("item/agentMessage/delta", { delta: 1 })]) {
      const failure = await failureOf(run(prompt({ text: "x", lines: [bad] })));
      expect([bad, failure.code]).toEqual([bad, "cli_output_invalid"]);
    }
  });

  it("tells a missing program and one that ends at its start", async () => {
    await start({ exitAtStart: true, stderr: "bad config" });
    expect(await failureOf(run())).toMatchObject({ code: "cli_crashed", stderrTail: "bad config" });
    const missing = createCodexExecutor({
      command: "/nowhere/codex",
      environment: {},
      passEnvironment: [],
      workDirectory,
    });
    const failure = await missing.execute(execution(), collect()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "cli_missing" });
    expect(await missing.probe()).toMatchObject({ ready: false, version: null });
    await missing.killAll();
  });

  it("asks for its login, version and models without keeping a process", async () => {
    await start();
    expect(executor.models()).toEqual(["codex", "*"]);
    expect(await executor.probe()).toEqual({ name: "codex", version: "0.169.0", ready: true, reason: null });
    expect(executor.models()).toEqual(["codex", "gpt-stand-in", "*"]);
    expect(await findLeftovers()).toEqual([]);
    expect((await records("call")).map(({ method }) => method)).not.toContain("turn/start");
    await standIn.configure({ loggedIn: false });
    expect(await executor.probe()).toMatchObject({ ready: false, reason: expect.stringContaining("`codex login`") });
    await standIn.configure({ instructionSources: ["/owner/AGENTS.md"] });
    expect(await executor.probe()).toMatchObject({ ready: false, reason: expect.stringContaining("AGENTS.md") });
    await standIn.configure({ version: "0.168.9" });
    expect(await executor.probe()).toMatchObject({
      ready: false,
      version: "0.168.9",
      reason: expect.stringContaining("old"),
    });
  });

  it("reads the login anew after one that was refused", async () => {
    await start({ loggedIn: false });
    expect((await failureOf(run())).code).toBe("cli_not_logged_in");
    await standIn.configure({});
    const sink = collect();
    await run({}, sink);
    expect(sink.text).toBe("hello from the prompt");
  });

  it("ends everything on killAll, and works again after it", async () => {
    await start({ grandchild: true });
    const running = failureOf(run(prompt({ text: "x", hangAfterDeltas: 1 })));
    await turnsStarted(1);
    await executor.killAll();
    expect(["cancelled", "cli_crashed"]).toContain((await running).code);
    expect(await findLeftovers()).toEqual([]);
    await run();
  });
});
