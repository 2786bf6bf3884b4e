import { afterEach, describe, expect, test } from "vitest";
import { pino } from "pino";
import { AgentHarness } from "../../test/agent-harness.ts";
import type { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { RecordingSink } from "../../test/recording-sink.ts";
import { rejection } from "../../test/rejection.ts";
import { GatewayError } from "../http/errors.ts";

let proxy: AgentHarness;
afterEach(() => proxy.close());

/** Two started agents; the first call goes to the first. */
async function twoAgents(): Promise<[FakeAgent, FakeAgent]> {
  const first = proxy.agent({ agentId: "first" });
  const second = proxy.agent({ agentId: "second" });
  await first.start();
  await second.start();
  return [first, second];
}

async function answer(agent: FakeAgent, text: string): Promise<FakeRun> {
  const run = new FakeRun(await agent.event("request"));
  await agent.post([run.accept(), run.text(text), run.complete()]);
  return run;
}

describe("reconnecting", () => {
  test("within the grace a request survives: it goes on where the proxy says", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
    const run = new FakeRun(await agent.event("request"));
    await agent.post([run.accept(), run.text("before ")]);
    await agent.drop();
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    expect(proxy.manager.hasConnectedAgent()).toBe(false);
    // The way up works without the way down.
    expect((await agent.post(run.text("between "))).results).toMatchObject([{ status: "committed", ackedSeq: 3 }]);

    const connected = await agent.connect();
    expect(connected.resume).toEqual([{ requestId: run.requestId, ackedSeq: 3 }]);
    await agent.hello({ inFlight: [{ requestId: run.requestId, lastSeq: 3, ackedSeq: 3 }] });
    await agent.post([run.text("after"), run.complete()]);
    await outcome;
    expect(sink.text).toBe("before between after");
    expect(agent.unread).toEqual([]);
  });

  test("a request event that was lost with the connection is sent again", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const lost = await agent.event("request");
    await agent.drop();
    await agent.start({ inFlight: [] });
    expect(await agent.event("request")).toMatchObject({ requestId: lost.requestId, attempt: 1 });
    const run = new FakeRun(lost);
    await agent.post([run.accept(), run.text("ok"), run.complete()]);
    await outcome;
  });

  test("a request without output waits for the process that comes in the place of a killed one", async () => {
    proxy = await AgentHarness.start();
    const killed = proxy.agent();
    await killed.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const lost = await killed.event("request");
    await killed.drop();
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    const next = proxy.agent();
    await next.connect();
    expect(proxy.manager.status()).toMatchObject({ queuedRequests: 1 });
    await next.hello();
    expect(await next.event("request")).toMatchObject({ requestId: lost.requestId, attempt: 2 });
    const run = new FakeRun({ ...lost, attempt: 2 });
    await next.post([run.accept(), run.text("ok"), run.complete()]);
    await outcome;
  });

  test("what waits for it ends at once where it offers the model no more", async () => {
    proxy = await AgentHarness.start();
    const killed = proxy.agent();
    await killed.start();
    const outcome = rejection(proxy.manager.dispatchRequest(proxy.call()));
    await killed.event("request");
    await killed.drop();
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    const next = proxy.agent();
    await next.start({ models: ["another"] });
    expect(await outcome).toMatchObject({ code: "no_provider_available" });
  });

  test("a request that the agent had taken and does not know any more is lost", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
    const failed = rejection(outcome);
    const run = new FakeRun(await agent.event("request"));
    await agent.post([run.accept(), run.text("a")]);
    await agent.drop();
    await agent.start({ inFlight: [] });
    expect(await failed).toMatchObject({ code: "agent_lost", failover: false });
    expect((await agent.post(run.text("b"))).results).toMatchObject([{ status: "closed" }]);
  });

  test("a late hello of an earlier connection does not end what was dispatched since", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    const { sessionId } = await agent.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const run = new FakeRun(await agent.event("request"));
    await agent.post(run.accept());
    await agent.hello({ inFlight: [] });
    await agent.drop();
    await agent.connect();
    await agent.hello({ sessionId, inFlight: [] });
    expect(proxy.manager.status().agents).toMatchObject([{ state: "connecting", inFlight: 1 }]);
    await agent.hello({ inFlight: [{ requestId: run.requestId, lastSeq: 1, ackedSeq: 1 }] });
    await agent.post([run.text("a"), run.complete()]);
    await outcome;
  });

  test("a request that only the agent knows is cancelled in the answer to its hello", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.connect();
    const { cancels } = await agent.hello({ inFlight: [{ requestId: "req_old", lastSeq: 4, ackedSeq: 2 }] });
    expect(cancels).toEqual([{ requestId: "req_old", reason: "superseded" }]);
  });

  test("after the grace a request with output fails and the client sees it", async () => {
    proxy = await AgentHarness.start({ resumeGraceMs: 50 });
    const [first] = await twoAgents();
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
    const failed = rejection(outcome);
    const run = new FakeRun(await first.event("request"));
    await first.post([run.accept(), run.text("half an ans")]);
    await first.drop();
    expect(await failed).toMatchObject({ code: "agent_lost", failover: false });
    expect(sink.text).toBe("half an ans");
    expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, agents: [{ id: "second", inFlight: 0 }] });
  });

  test("after the grace a request without output is served by the other agent", async () => {
    proxy = await AgentHarness.start({ resumeGraceMs: 50 });
    const [first, second] = await twoAgents();
    const sink = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
    const request = await first.event("request");
    await first.post(new FakeRun(request).accept());
    await first.drop();
    const run = await answer(second, "whole");
    expect(run.requestId).toBe(request.requestId);
    expect(await outcome).toMatchObject({ servedBy: { agentId: "second" } });
    expect(sink.text).toBe("whole");
  });

  test("an agent that comes back after its grace does not get the same request again", async () => {
    proxy = await AgentHarness.start({ resumeGraceMs: 30, queueWaitMs: 5000 });
    const [first, second] = await twoAgents();
    await first.hello({ maxConcurrency: 1 });
    await second.hello({ maxConcurrency: 1 });
    const lost = proxy.manager.dispatchRequest(proxy.call({ requestId: "req_lost" }));
    const other = proxy.manager.dispatchRequest(proxy.call({ requestId: "req_other" }));
    expect((await first.event("request")).requestId).toBe("req_lost");
    const busy = new FakeRun(await second.event("request"));
    await first.drop();
    await proxy.until(() => proxy.manager.status().queuedRequests === 1);
    expect((await first.start()).resume).toEqual([]);
    expect(proxy.manager.status()).toMatchObject({ queuedRequests: 1, agents: [{ inFlight: 1 }, { inFlight: 0 }] });
    await second.post([busy.accept(), busy.complete()]);
    await other;
    await answer(second, "a");
    expect((await lost).outcome.servedBy.agentId).toBe("second");
    expect(first.unread).toEqual([]);
  });

  test("the second attempt says that it is one", async () => {
    proxy = await AgentHarness.start();
    const [first, second] = await twoAgents();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    await first.event("request");
    await first.post({ type: "goodbye", reason: "SIGTERM" });
    const request = await second.event("request");
    expect(request.attempt).toBe(2);
    const run = new FakeRun(request);
    await second.post([run.accept(), run.text("a"), run.complete()]);
    await outcome;
  });
});

describe("refusals and failures of an agent", () => {
  test("a busy agent is passed over, and when all are busy the client gets 429 with a time to wait", async () => {
    proxy = await AgentHarness.start();
    const [first, second] = await twoAgents();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const failed = rejection(outcome);
    await first.post(new FakeRun(await first.event("request")).reject("busy"));
    await second.post(new FakeRun(await second.event("request")).reject("busy"));
    expect(await failed).toMatchObject({ code: "agents_busy", status: 429, retryAfterMs: 1000 });
    expect(first.unread).toEqual([]);
  });

  test.each([
    ["unsupported", "agent_rejected"],
    ["policy", "agent_rejected"],
    ["cli_missing", "cli_missing"],
    ["not_logged_in", "cli_not_logged_in"],
  ] as const)("a reject %s becomes %s, which another provider may serve", async (code, expected) => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const failed = rejection(outcome);
    await agent.post(new FakeRun(await agent.event("request")).reject(code, "because"));
    expect(await failed).toMatchObject({ code: expected, failover: true, message: "because" });
  });

  test("an error keeps its code, param, status and wait, and its stderr stays out of sight", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const caught = rejection(outcome);
    const details = {
      code: "usage_limit_reached",
      param: "messages[0].content",
      status: 429,
      retryAfterMs: 9000,
      stderrTail: "private line",
    };
    await agent.post(new FakeRun(await agent.event("request")).error({ ...details, message: "Limit reached." }));
    const error = await caught;
    expect(error).toMatchObject({
      code: "usage_limit_reached",
      param: "messages[0].content",
      status: 429,
      retryAfterMs: 9000,
      failover: true,
    });
    expect(String(error)).not.toContain("private");
  });

  test("a reject keeps its param", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const caught = rejection(proxy.manager.dispatchRequest(proxy.call()));
    const run = new FakeRun(await agent.event("request"));
    const reject = JSON.stringify({ ...run.reject("unsupported"), param: "tools" });
    await agent.send("POST", "/api/agent/response", reject);
    expect(await caught).toMatchObject({ code: "agent_rejected", param: "tools" });
  });

  test("an error is logged by its code and status; its words, which may quote a prompt, are not, and stderr at debug only", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "debug" }, { write: (line) => void lines.push(line) });
    proxy = await AgentHarness.start({ logger });
    const agent = proxy.agent();
    await agent.start();
    const caught = rejection(proxy.manager.dispatchRequest(proxy.call()));
    const words = { message: "Cannot answer: PROMPT.", stderrTail: "read STDERR" };
    await agent.post(new FakeRun(await agent.event("request")).error(words));
    await caught;
    expect(lines.join("")).not.toContain("PROMPT");
    const entries = lines.map((line): Record<string, unknown> => JSON.parse(line));
    expect(entries).toContainEqual(expect.objectContaining({ level: 40, code: "cli_crashed", status: 502 }));
    const withStderr = entries.filter((entry) => JSON.stringify(entry).includes("STDERR"));
    expect(withStderr).toMatchObject([{ level: 20, stderrTail: "read STDERR" }]);
  });

  test("an unknown code is upstream_error, and what is not retryable goes nowhere else", async () => {
    proxy = await AgentHarness.start();
    const [first, second] = await twoAgents();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const failed = rejection(outcome);
    await first.post(
      new FakeRun(await first.event("request")).error({ code: "new_code", status: 418, retryable: false }),
    );
    expect(await failed).toMatchObject({ code: "upstream_error", status: 418, failover: false });
    expect(second.unread).toEqual([]);
  });

  test("a retryable error before output is served by another free agent; after output it is final", async () => {
    proxy = await AgentHarness.start();
    const [first, second] = await twoAgents();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    await first.post(new FakeRun(await first.event("request")).error());
    await answer(second, "ok");
    await outcome;

    const final = proxy.manager.dispatchStreamRequest(proxy.call(), new RecordingSink());
    const failed = rejection(final);
    const run = new FakeRun(await first.event("request"));
    await first.post([run.accept(), run.text("a"), run.error()]);
    expect(await failed).toMatchObject({ code: "cli_crashed", failover: false });
    expect(second.unread).toEqual([]);
  });

  test("an agent that breaks the protocol is told to stop", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchRequest(proxy.call());
    const failed = rejection(outcome);
    const { requestId } = await agent.event("request");
    const { cancels } = await agent.post(new FakeRun({ requestId, attempt: 7 }).accept());
    expect(cancels).toEqual([{ requestId, reason: "protocol_error" }]);
    expect(await failed).toMatchObject({ code: "agent_protocol_error" });
  });
});

describe("cancelling", () => {
  test.each(["dispatched", "accepted", "streaming"])("reaches an agent that has %s the request", async (phase) => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start({ maxConcurrency: 1 });
    const client = new AbortController();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ signal: client.signal }), new RecordingSink());
    const failed = rejection(outcome);
    const run = new FakeRun(await agent.event("request"));
    if (phase !== "dispatched") await agent.post(run.accept());
    if (phase === "streaming") await agent.post(run.text("a"));
    client.abort();
    expect(await failed).toMatchObject({ code: "client_closed_request" });
    const { requestId } = run;
    expect(await agent.event("cancel")).toEqual({ requestId, reason: "client_closed" });
    // The slot is taken until the agent says so, and every answer repeats the cancel.
    expect(proxy.manager.status().agents).toMatchObject([{ inFlight: 1 }]);
    expect(await agent.post({ type: "heartbeat" })).toMatchObject({
      cancels: [{ requestId, reason: "client_closed" }],
    });
    const end = [run.text("too late"), run.error({ code: "cancelled", status: 499, retryable: false })];
    expect(await agent.post(end)).toMatchObject({ results: [{ status: "committed" }], cancels: [] });
    expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, agents: [{ inFlight: 0 }] });
  });

  test("of a request whose agent is away is kept for its return", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const client = new AbortController();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ signal: client.signal }), new RecordingSink());
    const failed = rejection(outcome);
    const run = new FakeRun(await agent.event("request"));
    await agent.post(run.accept());
    await agent.drop();
    await proxy.until(() => proxy.manager.status().agents[0]?.state === "resuming");
    client.abort(new GatewayError("deadline_exceeded", "Too long."));
    expect(await failed).toMatchObject({ code: "deadline_exceeded" });
    const { resume } = await agent.connect();
    expect(resume).toEqual([{ requestId: run.requestId, ackedSeq: 1, drop: true }]);
    const inFlight = [{ requestId: run.requestId, lastSeq: 1, ackedSeq: 1 }];
    expect((await agent.hello({ inFlight })).cancels).toEqual([{ requestId: run.requestId, reason: "timeout" }]);
  });

  test("of a call that is already over costs no agent anything", async () => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const call = proxy.call({ signal: AbortSignal.abort() });
    await expect(proxy.manager.dispatchRequest(call)).rejects.toMatchObject({ code: "client_closed_request" });
    expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, agents: [{ inFlight: 0 }] });
  });
});

describe("clocks", () => {
  test.each([
    ["no output", { firstOutputMs: 40 }, false, "upstream_timeout", true],
    ["silence after output", { idleMs: 40 }, true, "upstream_timeout", false],
    ["too long as a whole", { totalMs: 40 }, false, "deadline_exceeded", false],
  ] as const)("%s ends a request and cancels it", async (_, timeouts, hasOutput, code, failover) => {
    proxy = await AgentHarness.start();
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ timeouts }), new RecordingSink());
    const failed = rejection(outcome);
    const run = new FakeRun(await agent.event("request"));
    await agent.post(hasOutput ? [run.accept(), run.text("a")] : run.accept());
    expect(await failed).toMatchObject({ code, failover });
    expect(await agent.event("cancel")).toEqual({ requestId: run.requestId, reason: "timeout" });
    expect(proxy.manager.status().pendingRequests).toBe(0);
  });

  test("chunks feed the idle clock and heartbeats do not", async () => {
    proxy = await AgentHarness.start({ pingIntervalMs: 100 });
    const agent = proxy.agent();
    await agent.start();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ timeouts: { idleMs: 400 } }), new RecordingSink());
    const failed = rejection(outcome);
    const run = new FakeRun(await agent.event("request"));
    const startedAt = performance.now();
    await agent.post(run.accept());
    for (let count = 0; count < 4; count += 1) {
      await agent.post(run.text("a"));
      for (let ping = 0; ping < 2; ping += 1) await agent.event("ping");
    }
    expect(await failed).toMatchObject({ code: "upstream_timeout" });
    expect(performance.now() - startedAt).toBeGreaterThan(800);
  });
});
