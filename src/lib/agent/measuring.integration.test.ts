import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentHarness } from "../../test/agent-harness.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { RecordingSink } from "../../test/recording-sink.ts";
import { RequestTiming } from "../telemetry/request-timing.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AGENT_MS = 400;

let proxy: AgentHarness;
beforeEach(async () => {
  proxy = await AgentHarness.start();
});
afterEach(() => proxy.close());

test("the trace of a call reaches the agent, and what the agent takes is no overhead of the proxy", async () => {
  const agent = proxy.agent();
  await agent.start();
  const timing = new RequestTiming(performance.now());
  timing.waitBegins();
  const call = { ...proxy.call(), timing, traceContext: { traceparent } };
  const outcome = proxy.manager.dispatchStreamRequest(call, new RecordingSink());
  const request = await agent.event("request");
  expect(request.traceparent).toBe(traceparent);
  await new Promise((resolve) => setTimeout(resolve, AGENT_MS));
  const run = new FakeRun(request);
  await agent.post([run.accept(), run.text("hi"), run.complete()]);
  await outcome;
  timing.answered();
  expect(performance.now() - timing.startedAt).toBeGreaterThan(AGENT_MS - 20);
  expect(timing.overheadMs).toBeLessThan(AGENT_MS - 100);
});

test("a call without a trace brings the agent none", async () => {
  const agent = proxy.agent();
  await agent.start();
  const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), new RecordingSink());
  const request = await agent.event("request");
  expect(request).not.toHaveProperty("traceparent");
  const run = new FakeRun(request);
  await agent.post([run.accept(), run.text("hi"), run.complete()]);
  await outcome;
});
