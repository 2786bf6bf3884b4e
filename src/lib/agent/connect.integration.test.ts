import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { AgentHarness } from "../../test/agent-harness.ts";
import type { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { RecordingSink } from "../../test/recording-sink.ts";
import { PROTOCOL_LIMITS } from "./types.ts";

/** The agent as the proxy knows one that came with the shared secret. */
const bySecret = ({ agentId, instance }: FakeAgent) => ({ agentId, instance, access: { enrolment: undefined } });

let proxy: AgentHarness;
afterEach(() => proxy.close());

describe("letting agents in", () => {
  test("the stream is opened at once with the headers and limits of the protocol", async () => {
    proxy = await AgentHarness.start({ pingIntervalMs: 5000, resumeGraceMs: 700 });
    const response = await fetch(`${proxy.url}/api/agent/connect`, {
      headers: {
        authorization: "Bearer a-secret-of-the-tests",
        "x-agent-id": "laptop",
        "x-agent-instance": randomUUID(),
        "x-agent-protocol": "1",
        "x-agent-version": "1.2.3",
      },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    await response.body?.cancel();

    const connected = await proxy.agent({ agentId: "other" }).connect();
    expect(connected).toMatchObject({
      agentId: "other",
      protocol: 1,
      pingIntervalMs: 5000,
      resumeGraceMs: 700,
      limits: { maxPostBytes: PROTOCOL_LIMITS.maxPostBytes, maxBatchMessages: PROTOCOL_LIMITS.maxBatchMessages },
      resume: [],
    });
  });

  test("a wrong or missing secret is 401 on every endpoint of agents", async () => {
    proxy = await AgentHarness.start();
    for (const headers of [{ authorization: "Bearer wrong" }, { authorization: "" }, { authorization: "Basic abc" }]) {
      const stranger = proxy.agent({ headers });
      expect((await stranger.tryConnect())?.status).toBe(401);
      expect((await stranger.send("POST", "/api/agent/response", "{}")).status).toBe(401);
      expect((await stranger.send("GET", "/api/agent/requests/req_1/input")).status).toBe(401);
    }
  });

  test.each([
    ["x-agent-id", "../etc"],
    ["x-agent-instance", "not-a-uuid"],
    ["x-agent-protocol", "one"],
    ["x-agent-version", ""],
  ])("a malformed %s is 400 naming it", async (name, value) => {
    proxy = await AgentHarness.start();
    const refusal = await proxy.agent({ headers: { [name]: value } }).tryConnect();
    expect(refusal?.status).toBe(400);
    expect(JSON.parse(refusal?.text ?? "").error).toMatchObject({ code: "invalid_value", param: name });
  });

  test("a protocol it does not speak is 426 with what would do", async () => {
    proxy = await AgentHarness.start();
    const refusal = await proxy.agent({ headers: { "x-agent-protocol": "99" } }).tryConnect();
    expect(refusal?.status).toBe(426);
    expect(JSON.parse(refusal?.text ?? "")).toMatchObject({
      error: { code: "agent_protocol_unsupported" },
      supported: [1],
      minimum: 1,
      download: "npx codewise-agent@latest",
    });
  });

  test("an agent gets work only after hello, and its POSTs are 404 before it has connected", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    expect((await agent.send("POST", "/api/agent/response", '{"type":"heartbeat"}')).status).toBe(404);
    await agent.connect();
    expect(proxy.manager.hasConnectedAgent()).toBe(false);
    expect(proxy.manager.status().agents).toMatchObject([{ id: "laptop", state: "connecting", capacity: 0 }]);
    await agent.hello({ models: ["sonnet", "claude-*"] });
    expect(proxy.manager.hasConnectedAgent()).toBe(true);
    expect(proxy.manager.hasConnectedAgent("claude-opus-4-1")).toBe(true);
    expect(proxy.manager.hasConnectedAgent("gpt-5")).toBe(false);
    expect(proxy.manager.models()).toEqual(["sonnet"]);
    const status = await (await fetch(`${proxy.url}/api/agent/status`)).json();
    expect(status.agents).toMatchObject([{ id: "laptop", state: "ready", capacity: 2, platform: "linux-x64" }]);
  });

  test("the status tells nobody the instance, which is what an agent proves itself by, nor any field it does not know", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.connect();
    const cli = { name: "claude", version: "2.1.0", ready: false, reason: "not logged in" };
    await agent.hello({ clis: [Object.assign({ extra: { deep: [[["unknown"]]] } }, cli)] });
    const text = await (await fetch(`${proxy.url}/api/agent/status`)).text();
    expect(text).not.toContain(agent.instance);
    expect(JSON.parse(text).agents[0].clis).toEqual([cli]);
  });

  test("one more agent than may be is 429 with a time to wait, until another leaves; who is in may come back", async () => {
    proxy = await AgentHarness.start({ maxAgents: 2 });
    const first = proxy.agent({ agentId: "first" });
    await first.start();
    await proxy.agent({ agentId: "second" }).start();
    const third = proxy.agent({ agentId: "third" });
    const refusal = await third.tryConnect();
    expect(refusal).toMatchObject({ status: 429, headers: { "retry-after": "30" } });
    await first.drop();
    await first.start();
    await first.post({ type: "goodbye", reason: "done" });
    await third.start();
    expect(proxy.manager.status().agents.map(({ id }) => id)).toEqual(["second", "third"]);
  });

  test("an agent that says it drains gets no more work", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    await agent.post({ type: "heartbeat", draining: true });
    expect(proxy.manager.hasConnectedAgent()).toBe(false);
    expect(proxy.manager.status().agents).toMatchObject([{ state: "draining" }]);
    await expect(proxy.manager.dispatchRequest(proxy.call())).rejects.toMatchObject({
      code: "no_provider_available",
      failover: true,
    });
  });
});

describe("identity", () => {
  test("a second instance of an id is 409 while the first is alive", async () => {
    proxy = await AgentHarness.start();
    await proxy.agent().start();
    const refusal = await proxy.agent().tryConnect();
    expect(refusal?.status).toBe(409);
    expect(JSON.parse(refusal?.text ?? "").error.code).toBe("agent_identity_in_use");
    expect(proxy.manager.hasConnectedAgent()).toBe(true);
  });

  test("the same instance takes over from its own earlier connection at once", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const again = proxy.agent({ instance: agent.instance });
    await again.start();
    await agent.ended();
    expect(proxy.manager.status().agents).toMatchObject([{ state: "ready" }]);
    expect(proxy.manager.knowsAgent(bySecret(agent))).toBe(true);
  });

  test("an agent restarted after a crash comes back within the grace of its predecessor", async () => {
    proxy = await AgentHarness.start({ resumeGraceMs: 60_000 });
    const killed = proxy.agent();
    await killed.start();
    await killed.drop();
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    const restarted = proxy.agent();
    await restarted.start();
    expect(proxy.manager.status().agents).toMatchObject([{ state: "ready" }]);
    expect(proxy.manager.knowsAgent(bySecret(restarted))).toBe(true);
    expect((await killed.send("POST", "/api/agent/response", '{"type":"heartbeat"}')).status).toBe(404);
  });

  test("a dead connection whose socket stays open does not hold its id for ever", async () => {
    let time = 1000;
    proxy = await AgentHarness.start({ pingIntervalMs: 60_000, now: () => time });
    const dead = proxy.agent();
    await dead.start();
    time += 2.4 * 60_000;
    expect((await proxy.agent().tryConnect())?.status).toBe(409);
    time += 0.2 * 60_000;
    const successor = proxy.agent();
    await successor.start();
    await dead.ended();
    expect(proxy.manager.status().agents).toMatchObject([{ state: "ready" }]);
    expect(proxy.manager.knowsAgent(bySecret(successor))).toBe(true);
  });

  test("an agent that answers no pings is disconnected and forgotten after the grace", async () => {
    proxy = await AgentHarness.start({ pingIntervalMs: 30, resumeGraceMs: 50 });
    const asleep = proxy.agent({ answersPings: false });
    await asleep.start();
    await asleep.ended();
    await proxy.until(() => proxy.manager.status().agents.length === 0);
    expect((await asleep.send("POST", "/api/agent/response", '{"type":"heartbeat"}')).status).toBe(404);
  });

  test("pings keep an agent that answers them, and measure the round trip", async () => {
    proxy = await AgentHarness.start({ pingIntervalMs: 150 });
    const agent = proxy.agent();
    await agent.start();
    for (let count = 0; count < 4; count += 1) await agent.event("ping");
    const [status] = proxy.manager.status().agents;
    expect(status?.state).toBe("ready");
    expect(status?.roundTripMs).toBeGreaterThanOrEqual(0);
  });

  test("an agent that does not read its stream is cut off instead of being buffered without bound", async () => {
    proxy = await AgentHarness.start({ queueMax: 1000 });
    const agent = proxy.agent();
    await agent.start({ maxConcurrency: 1000 });
    agent.freeze();
    const prompt = "p".repeat(250 * 1024);
    for (let count = 0; count < 100; count += 1) {
      proxy.manager.dispatchRequest(proxy.call({ prompt })).catch(() => undefined);
    }
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    expect(proxy.manager.status().agents[0]?.inFlight).toBeLessThan(100);
  });

  test("goodbye and removal end the stream at once", async () => {
    proxy = await AgentHarness.start();
    const leaving = proxy.agent();
    await leaving.start();
    await leaving.post({ type: "goodbye", reason: "SIGTERM" });
    await leaving.ended();
    const revoked = proxy.agent();
    await revoked.start();
    proxy.manager.removeAgent("laptop", "its token was revoked");
    await revoked.ended();
    expect(proxy.manager.status().agents).toEqual([]);
  });
});

describe("shutting down", () => {
  test("drain tells the agents, takes nothing new and lets running work end, even over a reconnect", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
    const run = new FakeRun(await agent.event("request"));
    await agent.post([run.accept(), run.text("a")]);
    proxy.manager.drain("restart", 4000);
    expect(await agent.event("drain")).toMatchObject({ reason: "restart", reconnectAfterMs: 4000 });
    expect(proxy.manager.hasConnectedAgent()).toBe(false);
    await expect(proxy.manager.dispatchRequest(proxy.call())).rejects.toMatchObject({ code: "shutting_down" });
    expect((await proxy.agent({ agentId: "new" }).tryConnect())?.status).toBe(503);

    await agent.drop();
    const connected = await agent.connect();
    expect(connected.resume).toEqual([{ requestId: run.requestId, ackedSeq: 2 }]);
    await agent.event("drain");
    await agent.hello({ inFlight: [{ requestId: run.requestId, lastSeq: 2, ackedSeq: 2 }] });
    await agent.post([run.text("b"), run.complete()]);
    await outcome;
    expect(sink.text).toBe("ab");
  });

  test("close fails what is left, tells the agents to stop and ends their streams", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start({ maxConcurrency: 1 });
    const running = proxy.manager.dispatchRequest(proxy.call());
    const waiting = proxy.manager.dispatchRequest(proxy.call());
    const request = await agent.event("request");
    const both = Promise.allSettled([running, waiting]);
    await proxy.manager.close();
    for (const result of await both) expect(result).toMatchObject({ reason: { code: "shutting_down" } });
    expect(await agent.event("cancel")).toEqual({ requestId: request.requestId, reason: "shutdown" });
    await agent.ended();
    expect(proxy.manager.status()).toMatchObject({ agents: [], pendingRequests: 0, queuedRequests: 0 });
    expect((await proxy.agent().tryConnect())?.status).toBe(503);
  });
});
