/** What the proxy's own manager makes of an agent whose owner lets nothing, or not everything, through. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliFailure } from "../../../src/lib/cli/types.ts";
import { AGENT_SECRET, AgentHarness } from "../../../src/test/agent-harness.ts";
import { RecordingSink } from "../../../src/test/recording-sink.ts";
import { rejection } from "../../../src/test/rejection.ts";
import { CodewiseAgent, type AgentEnd } from "../agent.ts";
import { createProxyClient } from "../http-client.ts";
import { silentLogger } from "../logger.ts";
import { createScriptedExecutor, type ScriptedExecutor } from "../testing/scripted-executor.ts";
import { sleep } from "../timing.ts";
import { AgentPolicy, type PolicyRules } from "./agent-policy.ts";

let proxy: AgentHarness;
let started: { agent: CodewiseAgent; ended: Promise<AgentEnd>; executor: ScriptedExecutor }[];
beforeEach(async () => {
  proxy = await AgentHarness.start({ pingIntervalMs: 50, resumeGraceMs: 5000 });
  started = [];
});
afterEach(async () => {
  for (const { agent, executor } of started) {
    agent.drain("test over");
    await executor.killAll();
  }
  await Promise.all(started.map(({ ended }) => ended));
  await proxy.close();
});

async function start(agentId: string, rules: PolicyRules = {}, isPaused = false) {
  const executor = createScriptedExecutor();
  const policy = new AgentPolicy({
    rules,
    store: { load: () => undefined, save: () => undefined },
    sleep,
    clock: Date.now,
    onChange: () => agent.policyChanged(),
  });
  const agent = new CodewiseAgent({
    client: createProxyClient({ url: proxy.url, secret: AGENT_SECRET, agentId }),
    executors: [executor],
    logger: silentLogger,
    maxConcurrency: 2,
    policy,
    drainTimeoutMs: 5000,
    sleep,
    random: () => 0.03,
    now: () => performance.now(),
  });
  if (isPaused) policy.pause(null);
  started.push({ agent, executor, ended: agent.run() });
  await untilState(agentId, isPaused ? "draining" : "ready");
  return { executor, policy };
}

const untilState = (agentId: string, expected: string): Promise<void> =>
  proxy.until(() => proxy.manager.status().agents.some(({ id, state }) => id === agentId && state === expected));

describe("what a request used", () => {
  const used = (policy: AgentPolicy) => {
    const { requests, tokens } = policy.view();
    return { requests: requests.used, tokens: tokens.used, estimated: tokens.estimated };
  };

  it("is what the CLI tells, also of a run that failed", async () => {
    const { executor, policy } = await start("laptop");
    const good = proxy.manager.dispatchRequest(proxy.call());
    (await executor.run(0)).finish();
    await good;
    expect(used(policy)).toEqual({ requests: 1, tokens: 5, estimated: 0 });
    const bad = rejection(proxy.manager.dispatchRequest(proxy.call()));
    const usage = { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 };
    (await executor.run(1)).fail(new CliFailure("cli_crashed", "It crashed.", { usage }));
    await bad;
    expect(used(policy)).toEqual({ requests: 2, tokens: 47, estimated: 0 });
  });

  it.each(["unsupported_value", "cli_missing", "cli_not_logged_in"] as const)(
    "is nothing, also of the hour, where it was refused with %s before the CLI was asked",
    async (code) => {
      const { executor, policy } = await start("laptop", { maxRequestsPerHour: 5, maxTokensPerDay: 1_000_000 });
      executor.execute = () => Promise.reject(new CliFailure(code, "No."));
      await rejection(proxy.manager.dispatchRequest(proxy.call({ prompt: "p".repeat(4000) })));
      expect(used(policy)).toEqual({ requests: 0, tokens: 0, estimated: 0 });
    },
  );

  it("is estimated where an upstream refused it, or the CLI had begun to answer", async () => {
    const { executor, policy } = await start("laptop");
    const first = rejection(proxy.manager.dispatchRequest(proxy.call()));
    (await executor.run(0)).fail(new CliFailure("unsupported_value", "No."));
    await first;
    executor.execute = () => Promise.reject(new CliFailure("context_length_exceeded", "No."));
    await rejection(proxy.manager.dispatchRequest(proxy.call()));
    const { requests, tokens, estimated } = used(policy);
    expect(requests).toBe(2);
    expect(tokens).toBeGreaterThan(0);
    expect(tokens).toBe(estimated);
  });

  it("is estimated from what went in and came out, where a run was cancelled, and said so", async () => {
    const { executor, policy } = await start("laptop");
    const client = new AbortController();
    const call = proxy.call({ prompt: "p".repeat(4000), signal: client.signal });
    const sink = new RecordingSink();
    const failed = rejection(proxy.manager.dispatchStreamRequest(call, sink));
    const run = await executor.run(0);
    run.delta({ content: "a".repeat(4000) });
    await sink.received(1);
    client.abort();
    await failed;
    await proxy.until(() => proxy.manager.status().agents[0]?.inFlight === 0);
    const { requests, tokens, estimated } = used(policy);
    expect(requests).toBe(1);
    expect(tokens).toBe(estimated);
    expect(tokens).toBeGreaterThanOrEqual(2000);
    expect(tokens).toBeLessThan(2100);
  });
});

describe("the proxy's manager", () => {
  it("counts an agent that is paused for none, and for one again once it is resumed", async () => {
    const { executor, policy } = await start("laptop");
    expect(proxy.manager.hasConnectedAgent("sonnet")).toBe(true);
    policy.pause(null);
    await untilState("laptop", "draining");
    expect(proxy.manager.hasConnectedAgent("sonnet")).toBe(false);
    expect(proxy.manager.models()).toEqual([]);
    // At once, and so that the gateway goes on to the next provider.
    expect(await rejection(proxy.manager.dispatchRequest(proxy.call()))).toMatchObject({
      code: "no_provider_available",
      failover: true,
    });
    policy.resume();
    await untilState("laptop", "ready");
    const answer = proxy.manager.dispatchRequest(proxy.call());
    (await executor.run(0)).finish();
    expect((await answer).outcome.finishReason).toBe("stop");
  });

  it("never gives a request to an agent that comes in paused", async () => {
    await start("paused", {}, true);
    const { executor } = await start("other");
    const answers = [1, 2].map(() => proxy.manager.dispatchRequest(proxy.call()));
    for (const index of [0, 1]) (await executor.run(index)).finish();
    await Promise.all(answers);
    expect(started[0]?.executor.runs).toEqual([]);
  });

  it("lets what runs finish when the limit is reached, and gives the next request to another agent", async () => {
    const limited = await start("limited", { maxRequestsPerHour: 1 });
    const first = proxy.manager.dispatchRequest(proxy.call());
    const run = await limited.executor.run(0);
    const other = await start("other");
    // In whatever turn, and whether or not the proxy knows yet.
    const rest = [1, 2].map(() => proxy.manager.dispatchRequest(proxy.call()));
    for (const index of [0, 1]) (await other.executor.run(index)).finish();
    await Promise.all(rest);
    run.finish();
    expect((await first).outcome.finishReason).toBe("stop");
    expect(limited.executor.runs).toHaveLength(1);
  });

  it("fails a request over that the agent refuses, and ends it where there is no other, without a loop", async () => {
    // It is under way to the agent when that is paused: as in the moment in which a limit is reached.
    const { policy } = await start("one");
    const refused = rejection(proxy.manager.dispatchRequest(proxy.call()));
    policy.pause(null);
    expect(await refused).toMatchObject({ failover: true });
    expect(proxy.manager.status().pendingRequests).toBe(0);
    expect(started[0]?.executor.runs).toEqual([]);
  });
});
