/** The agent against the proxy's own manager, over real sockets that are cut and stalled on the way. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CliExecution, CliSink } from "../../src/lib/cli/types.ts";
import { CliFailure } from "../../src/lib/cli/types.ts";
import { AGENT_SECRET, AgentHarness } from "../../src/test/agent-harness.ts";
import { RecordingSink } from "../../src/test/recording-sink.ts";
import { rejection } from "../../src/test/rejection.ts";
import { SeededRandom } from "../../src/test/seeded-random.ts";
import { createTcpGate, type TcpGate } from "../../src/test/tcp-gate.ts";
import { CodewiseAgent, type AgentEnd, type AgentOptions } from "./agent.ts";
import { EXIT } from "./exit-codes.ts";
import { createProxyClient } from "./http-client.ts";
import { silentLogger } from "./logger.ts";
import { createScriptedExecutor, OUTCOME, type ScriptedExecutor } from "./testing/scripted-executor.ts";
import { sleep } from "./timing.ts";

let proxy: AgentHarness;
let gate: TcpGate;
let executor: ScriptedExecutor;
let agents: { agent: CodewiseAgent; ended: Promise<AgentEnd> }[];

beforeEach(async () => {
  proxy = await AgentHarness.start({ pingIntervalMs: 200, resumeGraceMs: 5000 });
  gate = await createTcpGate({ host: "127.0.0.1", port: Number(new URL(proxy.url).port) });
  executor = createScriptedExecutor();
  agents = [];
});

afterEach(async () => {
  for (const { agent } of agents) agent.drain("test over");
  await executor.killAll();
  await Promise.all(agents.map(({ ended }) => ended));
  await proxy.close();
  await gate.close();
});

async function start(agentId = "laptop", overrides: Partial<AgentOptions> = {}): Promise<CodewiseAgent> {
  const agent = new CodewiseAgent({
    client: createProxyClient({ url: `http://127.0.0.1:${gate.port}`, secret: AGENT_SECRET, agentId }),
    executors: [executor],
    logger: silentLogger,
    maxConcurrency: 2,
    drainTimeoutMs: 5000,
    sleep,
    random: () => 0.03,
    now: () => performance.now(),
    ...overrides,
  });
  agents.push({ agent, ended: agent.run() });
  await proxy.until(() => proxy.manager.status().agents.some(({ id, state }) => id === agentId && state === "ready"));
  return agent;
}

describe("the agent and the proxy's manager", () => {
  it("carry an answer with its text, usage and served model", async () => {
    await start();
    expect(proxy.manager.models()).toEqual(["sonnet"]);
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ prompt: "x".repeat(400_000) }), sink);
    const run = await executor.run(0);
    expect(run.execution.request.messages[0]?.content).toHaveLength(400_000);
    run.delta({ reasoning_content: "hm" });
    run.delta({ content: "Hello" });
    await sink.received(2);
    expect(proxy.manager.status().agents[0]).toMatchObject({
      id: "laptop",
      inFlight: 1,
      requests: [{ model: "sonnet" }],
    });
    run.finish();
    expect(await outcome).toMatchObject({ finishReason: "stop", usage: OUTCOME.usage, usageEstimated: false });
    expect(sink.text).toBe("Hello");
    expect(sink.opened).toMatchObject([{ model: OUTCOME.model, droppedParams: ["logprobs"], agentId: "laptop" }]);
    await vi.waitFor(() => expect(proxy.manager.status().agents[0]?.roundTripMs).toBeGreaterThanOrEqual(0), 2000);
  });

  it("carry an error with its status and time to wait", async () => {
    await start();
    const failed = rejection(proxy.manager.dispatchRequest(proxy.call()));
    (await executor.run(0)).fail(
      new CliFailure("usage_limit_reached", "The limit is reached.", { retryAfterMs: 60_000 }),
    );
    expect(await failed).toMatchObject({ code: "usage_limit_reached", status: 429, retryAfterMs: 60_000 });
  });

  it("end the CLI's run when the client leaves, and free its slot", async () => {
    await start();
    const client = new AbortController();
    const failed = rejection(
      proxy.manager.dispatchStreamRequest(proxy.call({ signal: client.signal }), new RecordingSink()),
    );
    const run = await executor.run(0);
    const aborted = new Promise<number>((resolve) => {
      run.execution.signal.addEventListener("abort", () => resolve(performance.now()));
    });
    const leftAt = performance.now();
    client.abort();
    expect((await aborted) - leftAt).toBeLessThan(250);
    await failed;
    await proxy.until(() => proxy.manager.status().agents[0]?.inFlight === 0);
  });

  it("stop the CLI's output for a client that does not read, and lose nothing of it", async () => {
    await start();
    const sink = new RecordingSink();
    sink.stall();
    const outcome = proxy.manager.dispatchStreamRequest(
      proxy.call({ timeouts: { totalMs: 20_000, idleMs: 20_000 } }),
      sink,
    );
    const run = await executor.run(0);
    const block = "0123456789".repeat(5000);
    let sent = 0;
    let stops = 0;
    let heldBack = 0;
    while (sent < 100) {
      sent += 1;
      if (run.delta({ content: block })) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      stops += 1;
      const drained = new Promise<void>((resolve) => run.onDrain(resolve));
      if (stops === 1) {
        heldBack = sent * block.length;
        setTimeout(() => sink.drain(), 150);
      }
      await drained;
    }
    run.finish();
    await outcome;
    expect(stops).toBeGreaterThan(0);
    expect(heldBack).toBeLessThan(3.5 * 1024 * 1024);
    expect(sink.text.length).toBe(100 * block.length);
  });

  it("say goodbye, so that the agent is gone from the status at once", async () => {
    const agent = await start();
    agent.drain("SIGTERM");
    expect(await agents[0]?.ended).toEqual({ exitCode: EXIT.ok });
    expect(proxy.manager.status().agents).toEqual([]);
  });

  it("refuse a second agent of the same id until the first has left", async () => {
    const first = await start();
    const states: string[] = [];
    const second = new CodewiseAgent({
      client: createProxyClient({ url: proxy.url, secret: AGENT_SECRET, agentId: "laptop" }),
      executors: [executor],
      logger: { ...silentLogger, warn: (message, fields) => states.push(`${message}: ${String(fields?.["reason"])}`) },
      maxConcurrency: 1,
      drainTimeoutMs: 1000,
      sleep: (_ms, signal) => sleep(20, signal),
      random: () => 0,
      now: () => performance.now(),
    });
    agents.push({ agent: second, ended: second.run() });
    await vi.waitFor(() => expect(states[0]).toMatch(/not connected: another agent with this id/), 2000);
    first.drain("SIGTERM");
    await proxy.until(() => proxy.manager.status().agents[0]?.capacity === 1);
    expect(proxy.manager.status().agents).toMatchObject([{ id: "laptop", state: "ready" }]);
  });

  it("give up, with exit code 3, on a wrong secret", async () => {
    const client = createProxyClient({ url: proxy.url, secret: "wrong", agentId: "laptop" });
    const timing = { sleep, random: () => 0, now: () => performance.now() };
    const rest = { executors: [executor], logger: silentLogger, maxConcurrency: 1, drainTimeoutMs: 1 };
    expect(await new CodewiseAgent({ client, ...rest, ...timing }).run()).toMatchObject({
      exitCode: EXIT.unauthorized,
    });
  });
});

describe("a line that is cut and stalled", () => {
  const SEEDS = Array.from({ length: 25 }, (_value, index) => index + 1);

  it.each(SEEDS)("delivers every byte once and in order, faults of seed %i", async (seed) => {
    const chance = new SeededRandom(seed);
    executor.execute = (execution, sink) => speak(execution, sink, seed);
    await start();
    const calls = [1, 2].map((index) => {
      const sink = new RecordingSink();
      return { sink, outcome: proxy.manager.dispatchStreamRequest(proxy.call({ requestId: `r${index}` }), sink) };
    });
    const done = new AbortController();
    const faults = breakLine(chance, done.signal);
    const outcomes = await Promise.all(calls.map(({ outcome }) => outcome));
    done.abort();
    await faults;
    expect(outcomes).toMatchObject([{ finishReason: "stop" }, { finishReason: "stop" }]);
    for (const { sink } of calls) expect(sink.text).toBe(words(seed).join(""));
  });

  /** Cuts or stalls the line a few times, each time for less than the grace. */
  async function breakLine(chance: SeededRandom, signal: AbortSignal): Promise<void> {
    for (let count = 0; count < 4 && !signal.aborted; count += 1) {
      await sleep(chance.below(60), signal);
      if (chance.chance(0.5)) gate.shut();
      else gate.stall();
      await sleep(chance.below(120), signal);
      gate.open();
    }
  }
});

function words(seed: number): string[] {
  const chance = new SeededRandom(seed);
  return Array.from({ length: 150 }, (_value, index) => `${index}:${"äx🙂".repeat(chance.below(20))} `);
}

/** A CLI that says the words of its seed at an uneven pace, and heeds backpressure and aborts. */
async function speak(execution: CliExecution, sink: CliSink, seed: number): Promise<typeof OUTCOME> {
  const chance = new SeededRandom(seed + 1000);
  sink.open({ model: OUTCOME.model, droppedParams: [] });
  for (const content of words(seed)) {
    execution.signal.throwIfAborted();
    if (!sink.delta({ content })) await new Promise<void>((resolve) => sink.onDrain(resolve));
    if (chance.chance(0.3)) await sleep(chance.below(6), execution.signal);
  }
  return OUTCOME;
}
