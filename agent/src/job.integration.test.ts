/** A request under its owner's rules, from its arrival to its start. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CliOutcome } from "../../src/lib/cli/types.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { CodewiseAgent, type AgentEnd } from "./agent.ts";
import { createProxyClient, type ProxyClient } from "./http-client.ts";
import { silentLogger } from "./logger.ts";
import { AgentPolicy, type PolicyRules } from "./policy/agent-policy.ts";
import { ApprovalDesk } from "./policy/approval-desk.ts";
import { createScriptedExecutor, type ScriptedExecutor, type ScriptedRun } from "./testing/scripted-executor.ts";
import { startScriptedProxy, TEST_SECRET, type ScriptedProxy } from "./testing/scripted-proxy.ts";
import { sleep } from "./timing.ts";

const NOON = new Date(2026, 10, 25, 12).getTime();
const INPUT = "/api/agent/requests/r1/input";
const BODY = { model: "sonnet", messages: [{ role: "user", content: "Hello" }] };

let proxy: ScriptedProxy;
let executor: ScriptedExecutor;
let policy: AgentPolicy;
let desk: ApprovalDesk;
let agent: CodewiseAgent;
let ended: Promise<AgentEnd>;
/** The wall clock of the owner's rules. */
let clock: number;
/** Holds back what is fetched. */
let fetching: { readonly begun: PromiseWithResolvers<void>; readonly gate: PromiseWithResolvers<void> };

beforeEach(async () => {
  proxy = await startScriptedProxy();
  proxy.inputs.set(INPUT, JSON.stringify(BODY));
  executor = createScriptedExecutor();
  clock = NOON;
  fetching = { begun: Promise.withResolvers(), gate: Promise.withResolvers() };
});

afterEach(async () => {
  agent.drain("test over");
  desk.close();
  fetching.gate.resolve();
  await executor.killAll();
  await ended;
  await proxy.close();
});

function slowClient(): ProxyClient {
  const client = createProxyClient({ url: proxy.url, secret: TEST_SECRET, agentId: "laptop" });
  return {
    ...client,
    exchange: async (options) => {
      if (options.path === INPUT) {
        fetching.begun.resolve();
        await fetching.gate.promise;
      }
      return await client.exchange(options);
    },
  };
}

async function start(rules: PolicyRules, approveMs: number | undefined): Promise<void> {
  policy = new AgentPolicy({
    rules,
    store: { load: () => undefined, save: () => undefined },
    sleep,
    clock: () => clock,
    onChange: () => agent.policyChanged(),
  });
  desk = new ApprovalDesk({ timeoutMs: approveMs ?? 1, clock: () => clock, onChange: () => undefined });
  agent = new CodewiseAgent({
    client: slowClient(),
    executors: [executor],
    logger: silentLogger,
    maxConcurrency: 2,
    policy,
    ask: approveMs === undefined ? undefined : (request, chat, signal) => desk.ask(request, chat, signal),
    drainTimeoutMs: 5000,
    sleep,
    random: () => 0.01,
    now: () => performance.now(),
  });
  ended = agent.run();
  await proxy.until(() => proxy.received("hello").length > 0);
}

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 5 });
const asked = (): Promise<void> => eventually(() => expect(desk.questions).toHaveLength(1));
const isEnded = (id: string): Promise<void> =>
  proxy.until(() => ["complete", "error", "reject"].includes(proxy.last(id)?.type ?? ""));

async function isRefused(id: string): Promise<void> {
  await isEnded(id);
  expect(proxy.last(id)).toMatchObject({ type: "reject", code: "policy" });
  expect(executor.runs).toEqual([]);
}

const RULES: PolicyRules = {
  hours: [{ from: 9 * 60, to: 18 * 60 }],
  maxRequestsPerHour: 5,
  maxTokensPerDay: 1_000_000,
};
const closings: [string, () => void][] = [
  ["a pause has begun", () => policy.pause(null)],
  ["the hours are over", () => (clock += 7 * 3_600_000)],
];

describe("a request that was let in does not start, and gives its place back, where since then", () => {
  it.each(closings)("%s while its input was fetched; nor is its owner asked", async (_name, close) => {
    await start(RULES, 60_000);
    proxy.request("r1", { body: undefined, inputUrl: INPUT });
    await fetching.begun.promise;
    close();
    fetching.gate.resolve();
    await isRefused("r1");
    expect(desk.questions).toEqual([]);
    expect(policy.view()).toMatchObject({ requests: { used: 0 }, tokens: { used: 0 } });
  });

  it.each(closings)("%s while it waited for approval", async (_name, close) => {
    await start(RULES, 60_000);
    proxy.request("r1");
    await asked();
    close();
    desk.decide(1, "approved");
    await isRefused("r1");
    expect(policy.view()).toMatchObject({ requests: { used: 0 }, tokens: { used: 0 } });
  });
});

it("a request that took the last place of the hour starts after its approval", async () => {
  await start({ maxRequestsPerHour: 1 }, 60_000);
  proxy.request("r1");
  await asked();
  expect(policy.closure).toMatchObject({ reason: "requests" });
  desk.decide(1, "approved");
  (await executor.run(0)).finish();
  await isEnded("r1");
  expect(proxy.last("r1")).toMatchObject({ type: "complete" });
});

describe("a question counts in the hour, with no tokens, where it", () => {
  const endings: [string, number, () => Promise<void>][] = [
    [
      "was denied",
      60_000,
      async () => {
        await asked();
        desk.decide(1, "denied");
      },
    ],
    ["was not answered in time", 50, async () => undefined],
    [
      "was taken away by a cancel",
      60_000,
      async () => {
        await asked();
        proxy.send("cancel", { requestId: "r1", reason: "client_closed" });
      },
    ],
  ];
  it.each(endings)("%s", async (_name, approveMs, finish) => {
    await start(RULES, approveMs);
    proxy.request("r1");
    await finish();
    await isEnded("r1");
    expect(executor.runs).toEqual([]);
    expect(policy.view()).toMatchObject({ requests: { used: 1 }, tokens: { used: 0, estimated: 0 } });
  });
});

describe("the tokens of the day", () => {
  const TEXT = "x".repeat(4000);
  const PROMPT_TOKENS = Math.ceil(JSON.stringify(BODY).length / 4);

  async function answer(): Promise<ScriptedRun> {
    await start(RULES, undefined);
    proxy.request("r1");
    const run = await executor.run(0);
    run.delta({ content: TEXT });
    return run;
  }

  it.each<[string, Partial<CliOutcome>]>([
    ["no usage", { usage: undefined, usageSource: "none" }],
    ["a usage of nothing", { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }],
  ])("are charged with an estimate of prompt and answer where the CLI answered and told %s", async (_name, told) => {
    const run = await answer();
    run.finish(told);
    await isEnded("r1");
    expect(proxy.last("r1")).toMatchObject({ type: "complete" });
    const { used, estimated } = policy.view().tokens;
    expect(used).toBeGreaterThanOrEqual(1000 + PROMPT_TOKENS - 1);
    expect(used).toBeLessThan(1100 + PROMPT_TOKENS);
    expect(estimated).toBe(used);
  });

  it("are charged with the answer of a run that failed before its CLI had told of it", async () => {
    const run = await answer();
    const usage = { prompt_tokens: 30, completion_tokens: 1, total_tokens: 31 };
    run.fail(new GatewayError("cli_crashed", "failed", { usage }));
    await isEnded("r1");
    expect(policy.view()).toMatchObject({ tokens: { used: 1030, estimated: 1030 }, requests: { used: 1 } });
  });

  it("are charged by the CLI's word where that covers the answer of a run that failed", async () => {
    const run = await answer();
    const usage = { prompt_tokens: 30, completion_tokens: 1200, total_tokens: 1230 };
    run.fail(new GatewayError("cli_crashed", "failed", { usage }));
    await isEnded("r1");
    expect(policy.view()).toMatchObject({ tokens: { used: 1230, estimated: 0 } });
  });
});
