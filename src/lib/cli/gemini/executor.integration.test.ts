import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { StandInConfig, ToldPrompt } from "../../../test/gemini-stand-in/config.ts";
import { createStandInGemini, type StandInGemini } from "../../../test/gemini-stand-in/create-stand-in.ts";
import { isAlive } from "../../../test/is-alive.ts";
import type { ChatRequest } from "../../openai/chat.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { createGeminiExecutor, type GeminiExecutorOptions } from "./executor.ts";

interface Collected extends CliSink {
  text: string;
  readonly deltas: ChatDelta[];
  readonly opened: { model: string; droppedParams: readonly string[] }[];
}

function collect(onDelta: (collected: Collected) => boolean = () => true): Collected {
  const collected: Collected = {
    text: "",
    deltas: [],
    opened: [],
    open: (opened) => collected.opened.push({ ...opened }),
    delta(delta) {
      collected.deltas.push(delta);
      collected.text += delta.content ?? "";
      return onDelta(collected);
    },
    onDrain() {},
  };
  return collected;
}

describe("createGeminiExecutor", () => {
  let standIn: StandInGemini;
  let executor: CliExecutor;
  let workDirectory: string;

  async function start(config: StandInConfig, more: Partial<GeminiExecutorOptions> = {}): Promise<void> {
    workDirectory = await mkdtemp(join(tmpdir(), "gemini-executor-test-"));
    standIn = await createStandInGemini(config);
    executor = createGeminiExecutor({
      command: standIn.command,
      workDirectory,
      passEnvironment: ["GEMINI_API_KEY"],
      environment: { ...process.env, GEMINI_API_KEY: "key-of-the-tests", SECRET_OF_OWNER: "hunter2hunter2" },
      lingerMs: 300,
      ...more,
    });
  }

  function run(
    request: Partial<ChatRequest> = {},
    sink: CliSink = collect(),
    more: Partial<CliExecution> = {},
  ): Promise<CliOutcome> {
    const whole: ChatRequest = { model: "pro", messages: [{ role: "user", content: "Hi" }], ...request };
    return executor.execute(
      {
        requestId: "r",
        request: whole,
        model: whole.model,
        signal: new AbortController().signal,
        firstEventTimeoutMs: 20_000,
        idleTimeoutMs: 20_000,
        deadlineMs: 30_000,
        ...more,
      },
      sink,
    );
  }

  async function failureOf(outcome: Promise<CliOutcome>): Promise<CliFailure> {
    const thrown: unknown = await outcome.then(
      () => expect.fail("the run succeeded"),
      (error: unknown) => error,
    );
    if (!(thrown instanceof CliFailure)) throw thrown;
    return thrown;
  }

  async function told(request: Partial<ChatRequest>): Promise<ToldPrompt> {
    const sink = collect();
    await run(request, sink);
    return JSON.parse(sink.text);
  }

  afterEach(async () => {
    const pids = (await standIn.readRecords()).map(({ pid }) => pid);
    await executor.killAll();
    expect(pids.filter(isAlive)).toEqual([]);
    await standIn.remove();
    // Fails when the executor left anything there.
    await rmdir(workDirectory);
  });

  it("gives the process the conversation by files, the model by the protocol, the parameters by settings", async () => {
    await start({});
    const prompt = await told({
      temperature: 0.2,
      messages: [
        { role: "system", content: "MARK-S" },
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        { role: "user", content: "three" },
      ],
    });
    expect(prompt).toMatchObject({ model: "pro", system: "MARK-S", prompt: [{ type: "text", text: "three" }] });
    expect(prompt.history).toMatchObject([
      { type: "user", content: [{ text: "one" }] },
      { type: "gemini", content: [{ text: "two" }] },
      { type: "user", content: expect.stringMatching(/^\/[0-9a-f-]{36}$/) },
    ]);
    expect(JSON.stringify(prompt.settings)).toContain('"temperature":0.2');
  });

  it("runs in an empty folder with an allow-listed environment, no text in argv, and all that is written in its home", async () => {
    await start({});
    await told({ messages: [{ role: "user", content: "MARK-U" }] });
    const [record] = await standIn.readRecords();
    expect(record?.argv).toEqual(["--acp"]);
    expect(record?.cwdFiles).toEqual([]);
    expect(record?.environment["SECRET_OF_OWNER"]).toBeUndefined();
    expect(JSON.stringify(record?.environment)).not.toContain("MARK-U");
    const paths = ["GEMINI_CLI_HOME", "TMPDIR", "GEMINI_SYSTEM_MD", "GEMINI_TELEMETRY_OUTFILE"];
    expect(paths.every((name) => record?.environment[name]?.includes(workDirectory))).toBe(true);
  });

  it("tells the end that the telemetry tells, with its tokens", async () => {
    await start({ pieces: ["a", "b"], finishReason: "length" });
    const sink = collect();
    expect(await run({ logprobs: true }, sink)).toMatchObject({
      finishReason: "length",
      usage: { total_tokens: 5 },
      usageSource: "cli",
      droppedParams: ["logprobs"],
    });
    expect(sink.text).toBe("ab");
    expect(sink.opened).toEqual([{ model: "pro", droppedParams: ["logprobs"] }]);
  });

  it("fails where the end was not told, though the answer looks whole", async () => {
    await start({ pieces: ["a"], finishReason: null });
    expect((await failureOf(run())).code).toBe("cli_no_result");
  });

  it("ends a process that stays after its reply, and takes what it told", async () => {
    await start({ pieces: ["a"], ignoreSigterm: true });
    expect((await run()).finishReason).toBe("stop");
  });

  it("tells calls after the text", async () => {
    await start({ pieces: ["so"], calls: ["mcp_client_f", "mcp_client_f"] });
    const sink = collect();
    const outcome = await run({ tools: [{ type: "function", function: { name: "f" } }] }, sink);
    expect(outcome.finishReason).toBe("tool_calls");
    expect(sink.deltas.map((delta) => delta.tool_calls?.[0]?.index ?? delta.content)).toEqual(["so", 0, 1]);
  });

  it.each([
    ["asks for a permission", { asksClient: "session/request_permission" }, "cli_unexpected_tool"],
    ["asks for a file", { asksClient: "fs/read_text_file" }, "cli_unexpected_tool"],
    ["calls a tool of its own", { calls: ["run_shell_command"] }, "cli_unexpected_tool"],
    ["ends before its reply", { pieces: ["a"], exitAfterPieces: 1, exitCode: 3 }, "cli_crashed"],
    ["ends for want of a login", { pieces: ["a"], exitAfterPieces: 0, exitCode: 41 }, "cli_not_logged_in"],
    ["ends as if all were well", { pieces: ["a"], exitAfterPieces: 1, exitCode: 0 }, "cli_no_result"],
    ["writes a line without an end", { floodBytes: 40 * 1024 * 1024 }, "cli_output_invalid"],
  ] as const)("fails and ends the process when it %s", async (_what, config, code) => {
    await start(config as StandInConfig);
    expect((await failureOf(run())).code).toBe(code);
    expect(executor.running()).toBe(0);
  });

  it("keeps the end of stderr for the owner, without keys", async () => {
    await start({ pieces: ["a"], exitAfterPieces: 1, stderr: "bad key key-of-the-tests here" });
    expect((await failureOf(run())).stderrTail).toBe("bad key [removed] here");
  });

  it("is cancelled at once, before and within an answer", async () => {
    await start({ pieces: ["a", "b"], hangAfterPieces: 1 });
    const stop = new AbortController();
    const sink = collect(() => {
      stop.abort();
      return true;
    });
    expect((await failureOf(run({}, sink, { signal: stop.signal }))).code).toBe("cancelled");
    await expect(run({}, collect(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect(await standIn.readRecords()).toHaveLength(1);
  });

  it("has clocks for the first word and for silence", async () => {
    await start({ pieces: ["a"], hangAfterPieces: 0 });
    expect((await failureOf(run({}, collect(), { firstEventTimeoutMs: 700 }))).code).toBe("upstream_timeout");
    await standIn.configure({ pieces: ["a"], hangAfterPieces: 1 });
    expect((await failureOf(run({}, collect(), { idleTimeoutMs: 200 }))).code).toBe("upstream_timeout");
  });

  it("stops reading for a slow reader, and loses nothing", async () => {
    const pieces = Array.from({ length: 300 }, (_, index) => `${index} ${"x".repeat(10_000)}`);
    await start({ pieces });
    let drain = (): void => {};
    const sink: Collected = {
      ...collect(),
      delta(delta) {
        sink.deltas.push(delta);
        return false;
      },
      onDrain: (listener) => void (drain = listener),
    };
    const outcome = run({}, sink, { idleTimeoutMs: 400 });
    await expect.poll(() => sink.deltas.length, { timeout: 10_000 }).toBe(1);
    // Longer than the silence that would end it.
    await wait(800);
    expect(sink.deltas).toHaveLength(1);
    sink.delta = (delta) => {
      sink.deltas.push(delta);
      return true;
    };
    drain();
    await outcome;
    expect(sink.deltas.map((delta) => delta.content).join("")).toBe(pieces.join(""));
  });

  it("ends what runs when all is to end, and can be used again", async () => {
    await start({ pieces: ["a"], hangAfterPieces: 1 });
    const sink = collect();
    const failure = failureOf(run({}, sink));
    await expect.poll(() => sink.text, { timeout: 10_000 }).toBe("a");
    await executor.killAll();
    expect((await failure).code).toBe("cli_crashed");
    await standIn.configure({ pieces: ["b"] });
    expect((await run()).finishReason).toBe("stop");
  });

  it("is not ready where it is too old, missing, or without a login", async () => {
    await start({ version: "0.60.9" });
    expect(await executor.probe()).toMatchObject({ ready: false, version: "0.60.9" });
    const missing = createGeminiExecutor({ command: "/no/gemini", passEnvironment: [], environment: {} });
    expect(await missing.probe()).toMatchObject({ ready: false, version: null });
    await expect(missing.execute({ ...execution() }, collect())).rejects.toMatchObject({ code: "cli_not_logged_in" });
    await missing.killAll();
  });

  it("tells a program that is not there", async () => {
    await start({}, { command: "/no/gemini" });
    await expect(run()).rejects.toMatchObject({ code: "cli_missing", failover: true });
  });
});

function execution(): CliExecution {
  const request: ChatRequest = { model: "pro", messages: [{ role: "user", content: "Hi" }] };
  const { signal } = new AbortController();
  const clocks = { firstEventTimeoutMs: 1000, idleTimeoutMs: 1000, deadlineMs: 2000 };
  return { requestId: "r", request, model: "pro", signal, ...clocks };
}
