import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AgentHarness } from "../../test/agent-harness.ts";
import type { FakeAgent } from "../../test/fake-agent.ts";
import type { AgentChunk } from "./types.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { RecordingSink } from "../../test/recording-sink.ts";
import { createAgentCliProvider } from "../providers/agent-cli.ts";

let proxy: AgentHarness;
let sink: RecordingSink;
beforeEach(async () => {
  proxy = await AgentHarness.start();
  sink = new RecordingSink();
});
afterEach(() => proxy.close());

/** A started agent and the run of the one call that was streamed to it. */
async function streaming(): Promise<{ agent: FakeAgent; run: FakeRun; outcome: Promise<unknown> }> {
  const agent = proxy.agent();
  await agent.start();
  const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
  outcome.catch(() => undefined);
  return { agent, run: new FakeRun(await agent.event("request")), outcome };
}

function expectNothingLeft(): void {
  const { agents, pendingRequests, queuedRequests, oldestPendingMs } = proxy.manager.status();
  expect({ pendingRequests, queuedRequests, oldestPendingMs }).toEqual({
    pendingRequests: 0,
    queuedRequests: 0,
    oldestPendingMs: null,
  });
  for (const agent of agents) expect(agent).toMatchObject({ inFlight: 0, requests: [] });
}

describe("an answer from an agent", () => {
  test("streams in order and resolves with what the agent reported", async () => {
    const agent = proxy.agent();
    await agent.start();
    const provider = createAgentCliProvider({ cli: "claude", manager: proxy.manager });
    const outcome = provider.stream(proxy.call({ requestId: "req_a", prompt: "hi" }), sink);
    const request = await agent.event("request");
    expect(request).toMatchObject({
      requestId: "req_a",
      attempt: 1,
      model: "sonnet",
      stream: true,
      firstEventTimeoutMs: 5000,
      idleTimeoutMs: 5000,
      body: { model: "sonnet", messages: [{ role: "user", content: "hi" }] },
    });
    expect(request.deadlineMs).toBeGreaterThan(0);

    const run = new FakeRun(request);
    const opened = { model: "claude-sonnet-4-5", droppedParams: ["seed"] };
    expect(await agent.post([run.accept(), run.chunk([{ content: "he" }], opened)])).toEqual({
      results: [{ requestId: "req_a", status: "committed", ackedSeq: 2 }],
      cancels: [],
    });
    await agent.post([run.text("llo", " wörld"), run.complete({ costUsd: 0.25 })]);
    expect(await outcome).toEqual({
      servedBy: { model: "claude-sonnet-4-5", agentId: "laptop", droppedParams: ["seed"] },
      finishReason: "stop",
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
      usageEstimated: false,
      costUsd: 0.25,
    });
    expect(sink.text).toBe("hello wörld");
    expect(sink.opened).toEqual([{ model: "claude-sonnet-4-5", agentId: "laptop", droppedParams: ["seed"] }]);
    expectNothingLeft();
  });

  test("is collected into one completion when the client does not stream", async () => {
    const agent = proxy.agent();
    await agent.start();
    const provider = createAgentCliProvider({ cli: "claude", manager: proxy.manager });
    const result = provider.complete(proxy.call());
    const request = await agent.event("request");
    expect(request.stream).toBe(false);
    const run = new FakeRun(request);
    await agent.post([run.accept(), run.text("a", "b"), run.complete({ usageSource: "estimate" })]);
    const { body, outcome } = await result;
    expect(body).toMatchObject({
      id: "chatcmpl-1",
      model: "claude-sonnet-4-5",
      choices: [{ message: { content: "ab" }, finish_reason: "stop" }],
    });
    expect(outcome.usageEstimated).toBe(true);
  });

  test("without any output is still opened once and ends well", async () => {
    const { agent, run, outcome } = await streaming();
    await agent.post([run.accept(), run.complete({ usageSource: "none", usage: null })]);
    expect(await outcome).toMatchObject({ finishReason: "stop", usage: undefined });
    expect(sink.opened).toHaveLength(1);
  });

  test("to a large prompt is fetched by reference, by the agent instance that has the request alone", async () => {
    const agent = proxy.agent();
    const other = proxy.agent({ agentId: "other" });
    await agent.start();
    await other.start({ models: ["opus"] });
    const prompt = "x".repeat(300 * 1024);
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call({ prompt }), sink);
    const request = await agent.event("request");
    expect(request.body).toBeUndefined();
    const inputUrl = request.inputUrl ?? "";
    const input = await agent.send("GET", inputUrl);
    expect(input.status).toBe(200);
    expect(JSON.parse(input.text).messages[0].content).toBe(prompt);
    expect((await other.send("GET", inputUrl)).status).toBe(404);
    const twin = proxy.agent({ agentId: agent.agentId });
    expect((await twin.send("GET", inputUrl)).status).toBe(404);
    const run = new FakeRun(request);
    await agent.post([run.accept(), run.text("ok"), run.complete()]);
    await outcome;
    expect((await agent.send("GET", inputUrl)).status).toBe(404);
  });
});

describe("order and loss", () => {
  test("a lost answer makes a repeat, which is a duplicate and is given to the client once", async () => {
    const { agent, run, outcome } = await streaming();
    const first = [run.accept(), run.text("one ")];
    await agent.postAndLoseAnswer(first);
    expect((await agent.post(first)).results).toEqual([{ requestId: run.requestId, status: "duplicate", ackedSeq: 2 }]);
    const rest = [run.text("two"), run.complete()];
    expect((await agent.post([...first, ...rest])).results).toMatchObject([{ status: "committed", ackedSeq: 4 }]);
    await outcome;
    expect(sink.text).toBe("one two");
    expect((await agent.post(rest)).results).toMatchObject([{ status: "duplicate", ackedSeq: 4 }]);
  });

  test("a hole is a gap that names where to go on, and the rewind fills it", async () => {
    const { agent, run, outcome } = await streaming();
    const [accept, one, two, end] = [run.accept(), run.text("1"), run.text("2"), run.complete()];
    expect((await agent.post([accept, two])).results).toMatchObject([{ status: "gap", ackedSeq: 1 }]);
    expect((await agent.post([two, one])).results).toMatchObject([{ status: "gap", ackedSeq: 2 }]);
    expect((await agent.post([two, end])).results).toMatchObject([{ status: "committed", ackedSeq: 4 }]);
    await outcome;
    expect(sink.text).toBe("12");
  });

  test.each([
    ["a delta less than was sent", (run: FakeRun) => run.complete({ deltaCount: 1 })],
    ["another text than was sent", (run: FakeRun) => run.complete({ deltaSha256: "0".repeat(64) })],
  ])("an end that says %s is agent_protocol_error, never a clean end", async (_, end) => {
    const { agent, run, outcome } = await streaming();
    await agent.post([run.accept(), run.text("a", "b"), end(run)]);
    await expect(outcome).rejects.toMatchObject({ code: "agent_protocol_error", failover: false });
    expectNothingLeft();
  });

  test("after its end a request is closed, and one that never was is unknown with 404", async () => {
    const { agent, run, outcome } = await streaming();
    await agent.post([run.accept(), run.complete()]);
    await outcome;
    const late = await agent.send("POST", "/api/agent/response", JSON.stringify(run.text("late")));
    expect(late.status).toBe(200);
    expect(JSON.parse(late.text).results).toMatchObject([{ status: "closed", ackedSeq: 2 }]);

    const stranger = new FakeRun({ requestId: "req_never", attempt: 1 });
    const unknown = await agent.send("POST", "/api/agent/response", JSON.stringify(stranger.accept()));
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.text)).toEqual({
      results: [{ requestId: "req_never", status: "unknown", ackedSeq: 0 }],
      cancels: [],
    });
  });

  test("one agent cannot speak for a request of another", async () => {
    const { run } = await streaming();
    const other = proxy.agent({ agentId: "other" });
    await other.start();
    expect((await other.post(run.accept())).results).toMatchObject([{ status: "unknown" }]);
  });

  test("messages of a type that is not known yet are ignored, unless they have a number", async () => {
    const { agent, run, outcome } = await streaming();
    const post = (messages: unknown) => agent.send("POST", "/api/agent/response", JSON.stringify(messages));
    const future = { type: "telemetry", load: 0.5 };
    expect(await post(future)).toMatchObject({ status: 200 });
    expect(await post([future])).toMatchObject({ status: 200 });
    const mixed = await post([future, run.accept(), { ...future, type: "more" }, run.text("a"), run.complete()]);
    expect(JSON.parse(mixed.text).results).toMatchObject([{ status: "committed", ackedSeq: 3 }]);
    await outcome;
    expect(await post([{ ...future, requestId: "r", seq: 1 }])).toMatchObject({ status: 400 });
    expect(await post([])).toMatchObject({ status: 400 });
    expect(await post({ load: 1 })).toMatchObject({ status: 400 });
  });

  test("a malformed message refuses its whole POST, naming the place, and takes nothing of it", async () => {
    const { agent, run, outcome } = await streaming();
    const accept = run.accept();
    const broken = JSON.stringify([accept, { ...run.text("x"), deltas: [{ content: 7 }] }]);
    const refused = await agent.send("POST", "/api/agent/response", broken);
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).error).toMatchObject({ param: "[1].deltas[0].content", code: "invalid_type" });
    expect((await agent.send("POST", "/api/agent/response", "[{")).status).toBe(400);
    expect((await agent.send("POST", "/api/agent/response", `"${"x".repeat(4 * 1024 * 1024)}"`)).status).toBe(413);

    const honest = new FakeRun({ requestId: run.requestId, attempt: 1 });
    await agent.post([honest.accept(), honest.text("fine"), honest.complete()]);
    await outcome;
    expect(sink.text).toBe("fine");
  });
});

describe("flow control", () => {
  test("a slow client holds the agent back, and every byte arrives once it reads again", async () => {
    const { agent, run, outcome } = await streaming();
    sink.stall();
    const pieces = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(200 * 1024));
    const accept = run.accept();
    const chunks = pieces.map((piece) => run.text(piece));
    const end = run.complete();
    // One piece is with the client and five fit into 1 MiB.
    expect((await agent.post([accept, ...chunks, end])).results).toEqual([
      { requestId: run.requestId, status: "held", ackedSeq: 7, retryAfterMs: 100 },
    ]);
    expect((await agent.post([...chunks.slice(6), end])).results).toMatchObject([{ status: "held", ackedSeq: 7 }]);
    expect(sink.deltas).toHaveLength(1);

    sink.drain("one");
    expect(sink.deltas).toHaveLength(2);
    expect((await agent.post([...chunks.slice(6), end])).results).toMatchObject([{ status: "held", ackedSeq: 8 }]);
    sink.drain("one");
    expect((await agent.post([...chunks.slice(7), end])).results).toMatchObject([
      { status: "committed", ackedSeq: 10 },
    ]);
    // The agent is done with it; the client still reads.
    expect(proxy.manager.status()).toMatchObject({ pendingRequests: 1, agents: [{ inFlight: 0 }] });
    sink.drain();
    await outcome;
    expect(sink.text).toBe(pieces.join(""));
    expectNothingLeft();
  });

  test("a slow client costs nothing else: another request of the same agent goes on", async () => {
    const { agent, run } = await streaming();
    sink.stall();
    const other = new RecordingSink();
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), other);
    const quick = new FakeRun(await agent.event("request"));
    const big = "z".repeat(600 * 1024);
    const posted = [
      run.accept(),
      run.text("a"),
      run.text(big),
      run.text(big),
      quick.accept(),
      quick.text("b"),
      quick.complete(),
    ];
    expect((await agent.post(posted)).results).toMatchObject([
      { requestId: run.requestId, status: "held", ackedSeq: 3 },
      { requestId: quick.requestId, status: "committed", ackedSeq: 3 },
    ]);
    await outcome;
    expect(other.text).toBe("b");
  });

  test("no idle time passes for an agent while its client is slow", async () => {
    const agent = proxy.agent();
    await agent.start();
    const call = proxy.call({ timeouts: { idleMs: 60, totalMs: 400 } });
    const outcome = proxy.manager.dispatchStreamRequest(call, sink);
    sink.stall();
    const run = new FakeRun(await agent.event("request"));
    await agent.post([run.accept(), run.text("a")]);
    await expect(outcome).rejects.toMatchObject({ code: "deadline_exceeded" });
  });

  test("a client that does not read is not filled with countless tiny deltas, nor with those that carry nothing", async () => {
    const { agent, run, outcome } = await streaming();
    sink.stall();
    const letters = (): AgentChunk => run.chunk(Array.from({ length: 5000 }, () => ({ content: "a" })));
    const nothing = (): AgentChunk => run.chunk(Array.from({ length: 10_000 }, () => ({})));
    const messages = [run.accept(), nothing(), letters(), letters(), nothing(), letters(), letters(), run.complete()];
    // A letter is charged as 66 bytes, so that three times 5000 of them fit into 1 MiB and the fourth does not.
    expect((await agent.post(messages)).results).toMatchObject([{ status: "held", ackedSeq: 6 }]);
    sink.drain();
    expect((await agent.post(messages.slice(6))).results).toMatchObject([{ status: "committed", ackedSeq: 8 }]);
    await outcome;
    expect(sink.text).toBe("a".repeat(20_000));
    expect(sink.deltas).toHaveLength(20_000);
  });

  test.each(["open", "delta", "onDrain"])("a sink whose %s throws fails its own request only", async (method) => {
    const { agent, run } = await streaming();
    const broken = new RecordingSink();
    broken.stall();
    Object.assign(broken, {
      [method]: () => {
        throw new TypeError("no sink");
      },
    });
    const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), broken);
    outcome.catch(() => undefined);
    const bad = new FakeRun(await agent.event("request"));
    const answer = await agent.post([bad.accept(), bad.text("x"), run.accept(), run.text("y")]);
    expect(answer.cancels).toEqual([{ requestId: bad.requestId, reason: "superseded" }]);
    await expect(outcome).rejects.toMatchObject({ code: "server_error" });
    expect(sink.text).toBe("y");
  });
});
