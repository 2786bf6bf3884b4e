import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CliFailure } from "../../src/lib/cli/types.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { CodewiseAgent, type AgentEnd, type AgentOptions } from "./agent.ts";
import { EXIT } from "./exit-codes.ts";
import { createProxyClient } from "./http-client.ts";
import { createLogger, formatJsonLine } from "./logger.ts";
import { AgentPolicy } from "./policy/agent-policy.ts";
import { createScriptedExecutor, type ScriptedExecutor } from "./testing/scripted-executor.ts";
import {
  answerJson,
  loseAnswer,
  startScriptedProxy,
  TEST_SECRET,
  type ScriptedProxy,
} from "./testing/scripted-proxy.ts";
import { sleep } from "./timing.ts";

let proxy: ScriptedProxy;
let executor: ScriptedExecutor;
let agent: CodewiseAgent;
let ended: Promise<AgentEnd>;
let log: string;

beforeEach(async () => {
  proxy = await startScriptedProxy();
  executor = createScriptedExecutor();
  log = "";
});

afterEach(async () => {
  agent.drain("test over");
  await executor.killAll();
  await ended;
  await proxy.close();
  if (executor.running() > 0) throw new Error("a CLI was left behind");
});

async function start(overrides: Partial<AgentOptions> = {}): Promise<void> {
  agent = new CodewiseAgent({
    client: createProxyClient({ url: proxy.url, secret: TEST_SECRET, agentId: "laptop" }),
    executors: [executor],
    logger: createLogger("debug", (entry) => {
      log += formatJsonLine(entry);
    }),
    maxConcurrency: 2,
    drainTimeoutMs: 5000,
    sleep,
    random: () => 0.01,
    now: () => performance.now(),
    ...overrides,
  });
  ended = agent.run();
  await proxy.until(() => proxy.received("hello").length > 0);
}

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 5 });

describe("hello", () => {
  it("says what this machine offers before anything else", async () => {
    await start();
    expect(proxy.posts[0]?.messages[0]).toMatchObject({
      type: "hello",
      sessionId: "session-1",
      platform: `${process.platform}-${process.arch}`,
      clis: [{ name: "claude", version: "2.1.0", ready: true }],
      models: ["sonnet", "claude-haiku-*"],
      maxConcurrency: 2,
      inFlight: [],
    });
  });

  it("comes once the CLIs were asked, for which the connection does not wait", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const probe = executor.probe.bind(executor);
    executor.probe = async (signal) => {
      await promise;
      return await probe(signal);
    };
    const started = start();
    await proxy.until(() => proxy.connects.length === 1);
    await eventually(() => expect(agent.view().connection.kind).toBe("connected"));
    expect(proxy.posts).toEqual([]);
    resolve();
    await started;
    expect(proxy.received("hello")).toMatchObject([{ models: ["sonnet", "claude-haiku-*"] }]);
  });

  it("offers no model while the CLI is not ready, and says so anew once it is", async () => {
    executor.readiness = { name: "claude", version: "2.1.0", ready: false, reason: "not logged in" };
    let recheck = (): void => undefined;
    await start({
      sleep: (ms, signal) => (ms === 30_000 ? new Promise((resolve) => (recheck = resolve)) : sleep(ms, signal)),
    });
    expect(proxy.received("hello")[0]).toMatchObject({ models: [], clis: [{ ready: false, reason: "not logged in" }] });
    executor.readiness = { name: "claude", version: "2.1.0", ready: true, reason: null };
    recheck();
    await proxy.until(() => proxy.received("hello").length === 2);
    expect(proxy.received("hello")[1]).toMatchObject({ models: ["sonnet", "claude-haiku-*"] });
    recheck();
  });

  it.each([
    [["gpt-*"], true],
    [["sonnet"], false],
  ])("with the rule %j is empty, and the log says so: %s", async (allowModels, isEmpty) => {
    const policy = new AgentPolicy({
      rules: { allowModels },
      store: { load: () => undefined, save: () => undefined },
      sleep,
      clock: Date.now,
      onChange: () => undefined,
    });
    await start({ policy });
    expect(proxy.received("hello")[0]?.models.length === 0).toBe(isEmpty);
    expect(log.includes("offers no model")).toBe(isEmpty);
  });

  it("answers pings with their time", async () => {
    await start();
    proxy.send("ping", { now: 42 });
    await proxy.until(() => proxy.received("heartbeat").length > 0);
    expect(proxy.received("heartbeat")).toMatchObject([{ pingNow: 42, draining: false }]);
  });
});

describe("a request", () => {
  it("is accepted, streamed and completed", async () => {
    await start();
    proxy.request("r1", { deadlineMs: 20_000, firstEventTimeoutMs: 1234, idleTimeoutMs: 2345 });
    const run = await executor.run(0);
    expect(run.execution).toMatchObject({
      requestId: "r1",
      model: "sonnet",
      firstEventTimeoutMs: 1234,
      idleTimeoutMs: 2345,
    });
    expect(run.execution.deadlineMs).toBeLessThanOrEqual(20_000);
    run.delta({ content: "Hel" });
    await proxy.until(() => proxy.text("r1") === "Hel");
    run.delta({ content: "lo" });
    run.finish({ droppedParams: ["logprobs"] });
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(proxy.committed.get("r1")?.map((message) => message.type)).toEqual(["accept", "chunk", "chunk", "complete"]);
    expect(proxy.committed.get("r1")?.[1]).toMatchObject({
      opened: { model: "claude-sonnet-4-5", droppedParams: ["logprobs"] },
    });
    expect(proxy.last("r1")).toMatchObject({
      usageSource: "cli",
      costUsd: 0.01,
      droppedParams: ["logprobs"],
      deltaCount: 2,
    });
    await eventually(() => expect(agent.view().jobs).toEqual([]));
  });

  it("never leaves prompts, answers or the secret in the log", async () => {
    await start();
    proxy.request("r1", { body: { model: "sonnet", messages: [{ role: "user", content: "PROMPT-TEXT" }] } });
    const run = await executor.run(0);
    run.delta({ content: "ANSWER-TEXT" });
    run.fail(new CliFailure("cli_crashed", "It crashed.", { stderrTail: "STDERR-TEXT" }));
    await proxy.until(() => proxy.last("r1")?.type === "error");
    await eventually(() => expect(log).toContain("request ended"));
    for (const text of ["PROMPT-TEXT", "ANSWER-TEXT", "STDERR-TEXT", TEST_SECRET]) expect(log).not.toContain(text);
  });

  it("is fetched when it comes by reference", async () => {
    await start();
    const content = "x".repeat(500_000);
    proxy.inputs.set(
      "/api/agent/requests/r1/input",
      JSON.stringify({ model: "sonnet", messages: [{ role: "user", content }] }),
    );
    proxy.request("r1", { body: undefined, inputUrl: "/api/agent/requests/r1/input" });
    expect((await executor.run(0)).execution.request.messages[0]).toMatchObject({ content });
  });

  it.each([
    [
      "is malformed",
      { body: { model: "sonnet", messages: [{ role: "user", content: 5 }] } },
      "invalid_value",
      400,
      false,
    ],
    [
      "cannot be fetched",
      { body: undefined, inputUrl: "/api/agent/requests/none/input" },
      "agent_protocol_error",
      502,
      true,
    ],
  ])("that %s is answered by an error", async (_title, overrides, code, status, retryable) => {
    await start();
    proxy.request("r1", overrides);
    await proxy.until(() => proxy.last("r1")?.type === "error");
    expect(proxy.last("r1")).toMatchObject({ code, status, retryable });
    expect(executor.runs).toEqual([]);
  });

  it("that fails says code, param, status, whether to retry and when, usage and stderr", async () => {
    await start();
    proxy.request("r1");
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const failure = new CliFailure("usage_limit_reached", "Limit.", {
      param: "messages[0].content",
      retryAfterMs: 5000,
      stderrTail: "tail",
      usage,
    });
    (await executor.run(0)).fail(failure);
    await proxy.until(() => proxy.last("r1")?.type === "error");
    const expected = {
      code: "usage_limit_reached",
      message: "Limit.",
      param: "messages[0].content",
      status: 429,
      retryable: true,
      retryAfterMs: 5000,
    };
    expect(proxy.last("r1")).toMatchObject({ ...expected, stderrTail: "tail", usage });
  });

  it("that fails unforeseen tells the client nothing", async () => {
    await start();
    proxy.request("r1");
    (await executor.run(0)).fail(new TypeError("internal detail"));
    await proxy.until(() => proxy.last("r1")?.type === "error");
    expect(proxy.last("r1")).toMatchObject({ code: "server_error", status: 500 });
    expect(JSON.stringify(proxy.last("r1"))).not.toContain("internal detail");
  });

  it("runs once however often it comes", async () => {
    await start();
    proxy.request("r1");
    proxy.request("r1");
    const run = await executor.run(0);
    proxy.request("r1");
    run.finish();
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(executor.runs).toHaveLength(1);
  });

  it("does not run again when it is repeated after its end was acknowledged", async () => {
    await start();
    proxy.request("r1");
    (await executor.run(0)).finish();
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    await vi.waitFor(() => expect(agent.view().jobs).toEqual([]));
    proxy.request("r1");
    proxy.request("r2");
    expect((await executor.run(1)).execution.requestId).toBe("r2");
  });

  it("is superseded by a later attempt, which starts when the earlier process is gone", async () => {
    await start({ maxConcurrency: 1 });
    proxy.request("r1");
    const first = await executor.run(0);
    await proxy.until(() => proxy.committed.has("r1"));
    proxy.committed.delete("r1");
    proxy.request("r1", { attempt: 2 });
    const second = await executor.run(1);
    expect(first.execution.signal.aborted).toBe(true);
    second.delta({ content: "second" });
    second.finish();
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(proxy.committed.get("r1")?.[0]).toMatchObject({ type: "accept", attempt: 2 });
    expect(proxy.text("r1")).toBe("second");
  });

  it("stops the CLI's output while the proxy takes nothing, and loses nothing of it", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    await proxy.until(() => proxy.committed.has("r1"));
    let release: (() => void) | undefined;
    proxy.postScripts.push((post, response, scripted) => {
      release = () => answerJson(response, 200, scripted.commit(post));
    });
    const block = "x".repeat(100_000);
    let count = 1;
    while (run.delta({ content: block })) count += 1;
    expect(count * block.length).toBeLessThan(1.3 * 1024 * 1024);
    const drained = new Promise<void>((resolve) => run.onDrain(resolve));
    await eventually(() => expect(release).toBeDefined());
    release?.();
    await drained;
    run.finish();
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(proxy.text("r1").length).toBe(count * block.length);
  });
});

describe("a refusal", () => {
  it.each([
    [
      "beyond its capacity",
      "busy",
      async () => {
        proxy.request("a");
        proxy.request("b");
        await executor.run(1);
      },
    ],
    ["for a model it does not offer", "unsupported", () => undefined],
    ["without the CLI", "cli_missing", () => undefined],
    ["without a login", "not_logged_in", () => undefined],
  ])("%s has the code %s", async (_title, code, prepare) => {
    if (code === "cli_missing") executor.readiness = { name: "claude", version: null, ready: false, reason: "missing" };
    if (code === "not_logged_in") executor.readiness = { name: "claude", version: "2", ready: false, reason: "log in" };
    await start();
    await prepare();
    proxy.request("r1", { model: code === "unsupported" ? "gpt-9" : "sonnet" });
    await proxy.until(() => proxy.last("r1")?.type === "reject");
    expect(proxy.committed.get("r1")).toMatchObject([{ type: "reject", seq: 1, code }]);
  });

  it("does not happen for a model that a wildcard covers", async () => {
    await start();
    proxy.request("r1", { model: "claude-haiku-4-5" });
    expect((await executor.run(0)).execution.model).toBe("claude-haiku-4-5");
  });

  it("checks the CLI again when a request failed for want of a login", async () => {
    await start();
    proxy.request("r1");
    executor.readiness = { name: "claude", version: "2.1.0", ready: false, reason: "log in" };
    (await executor.run(0)).fail(new GatewayError("cli_not_logged_in", "Log in."));
    await proxy.until(() => proxy.received("hello").length === 2);
    expect(proxy.received("hello")[1]).toMatchObject({ models: [], clis: [{ ready: false }] });
  });
});

describe("a cancel", () => {
  it.each(["the stream", "a POST's answer"])("by %s ends the process and is confirmed", async (way) => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    const cancel = { requestId: "r1", reason: "client_closed" };
    if (way === "the stream") proxy.send("cancel", cancel);
    else {
      proxy.cancels = [cancel];
      run.delta({ content: "x" });
    }
    await proxy.until(() => proxy.last("r1")?.type === "error");
    expect(run.execution.signal.aborted).toBe(true);
    expect(proxy.last("r1")).toMatchObject({ code: "cancelled", status: 499, retryable: false });
    expect(agent.view().totals).toEqual({ completed: 0, failed: 0, cancelled: 1, refused: 0 });
  });

  it("of a request that the proxy calls closed ends the process", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    await proxy.until(() => proxy.committed.has("r1"));
    proxy.postScripts.push((_post, response) =>
      answerJson(response, 200, { results: [{ requestId: "r1", status: "closed", ackedSeq: 1 }], cancels: [] }),
    );
    run.delta({ content: "x" });
    await eventually(() => expect(run.execution.signal.aborted).toBe(true));
    await eventually(() => expect(agent.view().jobs).toEqual([]));
  });
});

describe("a lost connection", () => {
  it("within the grace loses nothing, with answers lost besides", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    run.delta({ content: "before " });
    await proxy.until(() => proxy.text("r1") === "before ");
    proxy.postScripts.push(loseAnswer);
    proxy.cutStream();
    run.delta({ content: "during " });
    await proxy.until(() => proxy.received("hello").length === 2);
    expect(proxy.received("hello")[1]?.inFlight).toMatchObject([{ requestId: "r1" }]);
    run.delta({ content: "after" });
    run.finish();
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(proxy.text("r1")).toBe("before during after");
  });

  it("ends what the proxy no longer holds, and confirms what it wants dropped", async () => {
    await start();
    proxy.request("gone");
    proxy.request("dropped");
    const [gone, dropped] = [await executor.run(0), await executor.run(1)];
    await proxy.until(() => proxy.committed.has("gone") && proxy.committed.has("dropped"));
    proxy.connected = { resume: [{ requestId: "dropped", ackedSeq: 1, drop: true }] };
    proxy.cutStream();
    await proxy.until(() => proxy.last("dropped")?.type === "error");
    expect(proxy.last("dropped")).toMatchObject({ code: "cancelled" });
    expect([gone, dropped].map((run) => run.execution.signal.aborted)).toEqual([true, true]);
    expect(proxy.last("gone")?.type).toBe("accept");
  });

  it("beyond the grace ends what runs", async () => {
    proxy.connected = { resumeGraceMs: 100 };
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    proxy.connectScripts.push(() => undefined);
    proxy.cutStream();
    await eventually(() => expect(run.execution.signal.aborted).toBe(true));
    await eventually(() => expect(agent.view().jobs).toEqual([]));
  });
});

describe("draining", () => {
  it("says so, refuses new work, finishes what runs, says goodbye and ends with 0", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    agent.drain("SIGTERM");
    await proxy.until(() => proxy.received("heartbeat").some((message) => message.draining === true));
    proxy.request("r2");
    await proxy.until(() => proxy.last("r2")?.type === "reject");
    expect(proxy.received("goodbye")).toEqual([]);
    run.delta({ content: "end" });
    run.finish();
    expect(await ended).toEqual({ exitCode: EXIT.ok });
    expect(proxy.last("r1")?.type).toBe("complete");
    expect(proxy.received("goodbye")).toMatchObject([{ reason: "SIGTERM" }]);
  });

  it("ends what runs longer than the drain timeout, honestly", async () => {
    await start({ drainTimeoutMs: 50 });
    proxy.request("r1");
    const run = await executor.run(0);
    run.delta({ content: "x" });
    agent.drain("SIGTERM");
    expect(await ended).toEqual({ exitCode: EXIT.ok });
    expect(proxy.last("r1")).toMatchObject({ type: "error", code: "agent_lost", retryable: true });
    expect(agent.view().totals).toMatchObject({ failed: 1, cancelled: 0 });
  });

  it("cuts a probe without taking the CLI for one that cannot answer", async () => {
    let recheck = (): void => undefined;
    await start({
      sleep: (ms, signal) => (ms === 300_000 ? new Promise((resolve) => (recheck = resolve)) : sleep(ms, signal)),
    });
    const probing = Promise.withResolvers<void>();
    const killed = Promise.withResolvers<void>();
    const killAll = executor.killAll.bind(executor);
    executor.killAll = async () => {
      killed.resolve();
      await killAll();
    };
    executor.probe = async () => {
      probing.resolve();
      await killed.promise;
      return { name: "claude", version: "2.1.0", ready: false, reason: "it was ended" };
    };
    recheck();
    await probing.promise;
    agent.drain("SIGTERM");
    expect(await ended).toEqual({ exitCode: EXIT.ok });
    expect(log).not.toContain("cannot answer");
  });

  it("says nothing of the owner's rules, which no longer matter", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    agent.policyChanged();
    expect(log.match(/takes requests again/g)).toHaveLength(1);
    agent.drain("SIGTERM");
    agent.policyChanged();
    expect(log.match(/takes requests again/g)).toHaveLength(1);
    run.finish();
    await ended;
  });

  it("ends at once when there is no connection and nothing runs", async () => {
    await start();
    await proxy.close();
    const startedAt = performance.now();
    agent.drain("SIGTERM");
    expect(await ended).toEqual({ exitCode: EXIT.ok });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    proxy = await startScriptedProxy();
  });

  it("of the proxy moves the agent to a new connection once nothing runs", async () => {
    await start();
    proxy.request("r1");
    const run = await executor.run(0);
    proxy.send("drain", { reason: "deploy", reconnectAfterMs: 100 });
    run.delta({ content: "x" });
    await proxy.until(() => proxy.text("r1") === "x");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(proxy.connects).toHaveLength(1);
    run.finish();
    await proxy.until(() => proxy.connects.length === 2);
    expect(proxy.last("r1")?.type).toBe("complete");
  });
});

it("ends with the exit code and the words of a final refusal", async () => {
  proxy.connectScripts.push((response) => answerJson(response, 426, { supported: [2] }));
  const client = createProxyClient({ url: proxy.url, secret: TEST_SECRET, agentId: "laptop" });
  const logger = createLogger("error", () => undefined);
  const timing = { sleep, random: () => 0, now: () => performance.now() };
  agent = new CodewiseAgent({ client, executors: [executor], logger, maxConcurrency: 1, drainTimeoutMs: 1, ...timing });
  ended = agent.run();
  expect(await ended).toMatchObject({
    exitCode: EXIT.incompatible,
    message: expect.stringContaining("does not speak"),
  });
});
