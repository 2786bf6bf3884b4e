import { afterEach, expect, test } from "vitest";
import { AgentHarness } from "../../test/agent-harness.ts";
import type { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import type { CompletionResult } from "../providers/types.ts";

let proxy: AgentHarness;
afterEach(() => proxy.close());

function dispatch(
  requestId: string,
  options: { model?: string; signal?: AbortSignal } = {},
): Promise<CompletionResult> {
  const result = proxy.manager.dispatchRequest(proxy.call({ requestId, ...options }));
  result.catch(() => undefined);
  return result;
}

async function finishNext(agent: FakeAgent): Promise<string> {
  const run = new FakeRun(await agent.event("request"));
  await agent.post([run.accept(), run.complete()]);
  return run.requestId;
}

test("requests go round over the agents that have room", async () => {
  proxy = await AgentHarness.start();
  const agents = ["a", "b", "c"].map((agentId) => proxy.agent({ agentId }));
  for (const agent of agents) await agent.start({ maxConcurrency: 2 });
  const calls = Array.from({ length: 6 }, (_, index) => dispatch(`req_${index}`));
  expect(proxy.manager.status().agents.map(({ inFlight }) => inFlight)).toEqual([2, 2, 2]);
  for (const agent of agents) for (let count = 0; count < 2; count += 1) await finishNext(agent);
  const served = (await Promise.all(calls)).map(({ outcome }) => outcome.servedBy.agentId);
  expect(served).toEqual(["a", "b", "c", "a", "b", "c"]);
});

test("a full house waits in the order of arrival", async () => {
  proxy = await AgentHarness.start();
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 1 });
  const calls = ["req_1", "req_2", "req_3"].map((id) => dispatch(id));
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 3, queuedRequests: 2 });
  expect([await finishNext(agent), await finishNext(agent), await finishNext(agent)]).toEqual([
    "req_1",
    "req_2",
    "req_3",
  ]);
  await Promise.all(calls);
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, queuedRequests: 0 });
});

test("a wait for one model does not hold up another", async () => {
  proxy = await AgentHarness.start();
  const sonnet = proxy.agent({ agentId: "sonnet" });
  const haiku = proxy.agent({ agentId: "haiku" });
  await sonnet.start({ models: ["sonnet"], maxConcurrency: 1 });
  await haiku.start({ models: ["haiku"], maxConcurrency: 1 });
  void dispatch("running");
  void dispatch("waiting");
  const other = dispatch("other", { model: "haiku" });
  expect(await finishNext(haiku)).toBe("other");
  await other;
  expect(proxy.manager.status().queuedRequests).toBe(1);
});

test("who waits too long, or finds the queue full, gets 429 with a time to wait", async () => {
  proxy = await AgentHarness.start({ queueMax: 1, queueWaitMs: 40 });
  await proxy.agent().start({ maxConcurrency: 1 });
  void dispatch("running");
  const waiting = dispatch("waiting");
  await expect(dispatch("refused")).rejects.toMatchObject({ code: "agents_busy", status: 429, retryAfterMs: 5000 });
  await expect(waiting).rejects.toMatchObject({ code: "agents_busy", failover: true });
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 1, queuedRequests: 0 });
});

test("a client that leaves the queue leaves nothing there", async () => {
  proxy = await AgentHarness.start();
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 1 });
  void dispatch("running");
  const client = new AbortController();
  const waiting = dispatch("waiting", { signal: client.signal });
  client.abort();
  await expect(waiting).rejects.toMatchObject({ code: "client_closed_request" });
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 1, queuedRequests: 0 });
  await finishNext(agent);
  expect(agent.unread).toEqual([]);
});

test("a model that no agent offers is refused at once, also when its last agent leaves the queue waiting", async () => {
  proxy = await AgentHarness.start();
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 1 });
  await expect(dispatch("other", { model: "gpt-5" })).rejects.toMatchObject({
    code: "no_provider_available",
    failover: true,
  });
  void dispatch("running");
  const waiting = dispatch("waiting");
  await agent.post({ type: "goodbye", reason: "closed" });
  await expect(waiting).rejects.toMatchObject({ code: "no_provider_available", failover: true });
});

test("a request waits for an agent that is away for a moment", async () => {
  proxy = await AgentHarness.start({ queueWaitMs: 5000 });
  const agent = proxy.agent();
  await agent.start();
  await agent.drop();
  await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
  const waiting = dispatch("waiting");
  expect(proxy.manager.status().queuedRequests).toBe(1);
  await agent.start();
  expect(await finishNext(agent)).toBe("waiting");
  await waiting;
});

test("an agent gets no more than the capacity it named, and more once it names more", async () => {
  proxy = await AgentHarness.start();
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 1 });
  void dispatch("req_1");
  void dispatch("req_2");
  expect(proxy.manager.status()).toMatchObject({ queuedRequests: 1, agents: [{ inFlight: 1, capacity: 1 }] });
  await agent.hello({ maxConcurrency: 2 });
  expect(proxy.manager.status()).toMatchObject({ queuedRequests: 0, agents: [{ inFlight: 2, capacity: 2 }] });
});

test("an id that an agent may still know is not used for another request", async () => {
  proxy = await AgentHarness.start();
  const agent = proxy.agent();
  await agent.start();
  const first = dispatch("req_same");
  const second = dispatch("req_same");
  const ids = [await finishNext(agent), await finishNext(agent)];
  await Promise.all([first, second]);
  void dispatch("req_same");
  ids.push((await agent.event("request")).requestId);
  expect(ids).toEqual(["req_same", "req_same-2", "req_same-3"]);
});

test("changes are announced once per turn, and not to who has unsubscribed", async () => {
  proxy = await AgentHarness.start();
  let announced = 0;
  const unsubscribe = proxy.manager.subscribe(() => {
    announced += 1;
  });
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 5 });
  await new Promise(setImmediate);
  const before = announced;
  for (let count = 0; count < 5; count += 1) void dispatch(`req_${count}`);
  await new Promise(setImmediate);
  expect(announced).toBe(before + 1);
  unsubscribe();
  void dispatch("req_last");
  await new Promise(setImmediate);
  expect(announced).toBe(before + 1);
});
