import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { AgentHarness } from "../../test/agent-harness.ts";
import type { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { RecordingSink } from "../../test/recording-sink.ts";
import { rejection } from "../../test/rejection.ts";
import { PARSED_AT_ONCE_MAX, readChatBody } from "../openai/chat-body.ts";
import type { ProviderCall } from "../providers/types.ts";
import { AgentSession } from "./session.ts";

let proxy: AgentHarness;
afterEach(async () => {
  vi.restoreAllMocks();
  await proxy.close();
});

async function oneSlot(): Promise<FakeAgent> {
  const agent = proxy.agent();
  await agent.start({ maxConcurrency: 1 });
  return agent;
}

/** A call whose body is long enough to be checked only once it goes to an agent, and is not valid. */
function badCall(): ProviderCall {
  const call = proxy.call();
  const messages = [{ role: "user", content: "x".repeat(PARSED_AT_ONCE_MAX) }, { role: "nobody" }];
  return { ...call, body: readChatBody(Buffer.from(JSON.stringify({ model: call.model, messages }))) };
}

test("a request that is not valid is refused alone, and takes no slot", async () => {
  proxy = await AgentHarness.start();
  const agent = await oneSlot();
  const refused = { code: "invalid_value", status: 400, failover: false };
  await expect(proxy.manager.dispatchRequest(badCall())).rejects.toMatchObject(refused);
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, agents: [{ inFlight: 0 }] });
  const next = proxy.manager.dispatchRequest(proxy.call());
  await expect(proxy.manager.dispatchRequest(badCall())).rejects.toMatchObject(refused);
  const run = new FakeRun(await agent.event("request"));
  await agent.post([run.accept(), run.text("a"), run.complete()]);
  await next;
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, queuedRequests: 0, agents: [{ inFlight: 0 }] });
});

test("a waiting request that cannot be given to the agent which has become free fails alone; the next one gets it", async () => {
  proxy = await AgentHarness.start();
  const agent = await oneSlot();
  const first = proxy.manager.dispatchRequest(proxy.call());
  const failed = rejection(proxy.manager.dispatchRequest(proxy.call({ requestId: "req_bad" })));
  const last = proxy.manager.dispatchRequest(proxy.call({ requestId: "req_last" }));
  const run = new FakeRun(await agent.event("request"));
  vi.spyOn(AgentSession.prototype, "dispatch").mockImplementationOnce(() => {
    throw new RangeError("Maximum call stack size exceeded");
  });
  const answer = await agent.post([run.accept(), run.text("a"), run.complete()]);
  expect(answer.results).toMatchObject([{ status: "committed", ackedSeq: 3 }]);
  expect((await first).body).toMatchObject({ choices: [{ message: { content: "a" } }] });
  expect(await failed).toMatchObject({ code: "server_error" });
  const next = new FakeRun(await agent.event("request"));
  expect(next.requestId).toBe("req_last");
  await agent.post([next.accept(), next.complete()]);
  await last;
  expect(proxy.manager.status()).toMatchObject({ pendingRequests: 0, queuedRequests: 0 });
});

test("a request whose message cannot be dealt with does not keep the rest of the POST from the others", async () => {
  const logger = pino({ level: "silent" });
  vi.spyOn(logger, "warn").mockImplementation(() => {
    throw new Error("the log's file is gone");
  });
  proxy = await AgentHarness.start({ logger });
  const agent = proxy.agent();
  await agent.start();
  const failed = rejection(proxy.manager.dispatchRequest(proxy.call()));
  const sink = new RecordingSink();
  const outcome = proxy.manager.dispatchStreamRequest(proxy.call(), sink);
  const bad = new FakeRun(await agent.event("request"));
  const good = new FakeRun(await agent.event("request"));
  const answer = await agent.post([bad.error(), good.accept(), good.text("whole"), good.complete()]);
  expect(answer.results).toMatchObject([{ status: "closed" }, { status: "committed", ackedSeq: 3 }]);
  expect(await failed).toMatchObject({ code: "cli_crashed" });
  await outcome;
  expect(sink.text).toBe("whole");
});
