import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RecordingSink } from "../../test/recording-sink.ts";
import { SeededRandom } from "../../test/seeded-random.ts";
import { SimulatedAgent } from "../../test/simulated-agent.ts";
import { chatBodyOf } from "../../test/provider-call.ts";
import type { ProviderOutcome } from "../providers/types.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { AgentManager } from "./manager.ts";

const SEEDS = 500;
const STEPS = 120;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Client {
  readonly sink: RecordingSink;
  readonly controller: AbortController;
  result: "open" | "whole" | "failed";
}

function connectClient(manager: AgentManager, requestId: string): Client {
  const client: Client = { sink: new RecordingSink(), controller: new AbortController(), result: "open" };
  const outcome: Promise<ProviderOutcome> = manager.dispatchStreamRequest(
    {
      requestId,
      keyId: "key_1",
      completionId: "chatcmpl-1",
      created: 1,
      body: chatBodyOf({ model: "sonnet", messages: [{ role: "user", content: "hi" }] }),
      model: "sonnet",
      signal: client.controller.signal,
      timeouts: { connectMs: 1000, firstOutputMs: 3000, idleMs: 3000, totalMs: 10_000 },
    },
    client.sink,
  );
  outcome.then(
    () => {
      client.result = "whole";
    },
    () => {
      client.result = "failed";
    },
  );
  return client;
}

/** Plays one seed and answers how its clients ended. */
async function play(seed: number): Promise<readonly Client["result"][]> {
  const random = new SeededRandom(seed);
  const options = { pingIntervalMs: 60_000, resumeGraceMs: 500, queueMax: 3, queueWaitMs: 2000 };
  const manager = new AgentManager({ ...options, logger: silentLogger });
  const agents = ["left", "right"].map((agentId) => new SimulatedAgent(manager, agentId, random));
  const clients: Client[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    if (clients.length < 6 && random.chance(0.15)) clients.push(connectClient(manager, `req_${clients.length}`));
    for (const agent of agents) agent.step();
    const client = clients[random.below(Math.max(1, clients.length))];
    if (client !== undefined && random.chance(0.1)) client.sink.stall();
    else if (client !== undefined && random.chance(0.3)) client.sink.drain();
    if (client !== undefined && random.chance(0.01)) client.controller.abort();
    await vi.advanceTimersByTimeAsync(random.below(80));
  }
  for (const { sink } of clients) sink.drain();
  for (let round = 0; round < 3; round += 1) {
    for (const agent of agents) agent.settle();
    await vi.advanceTimersByTimeAsync(100);
  }
  // No request outlives its bound, and no slot an unconfirmed cancel.
  await vi.advanceTimersByTimeAsync(21_000);

  const answers = agents.flatMap((agent) => agent.answers);
  for (const { result, sink } of clients) {
    expect(result, `seed ${seed}`).not.toBe("open");
    const isHonest =
      result === "whole"
        ? answers.some(({ text, isWhole }) => isWhole && text === sink.text)
        : sink.text === "" || answers.some(({ text }) => text.startsWith(sink.text));
    expect(isHonest, `seed ${seed}: ${result} with ${sink.text}`).toBe(true);
    expect(sink.opened.length, `seed ${seed}`).toBeLessThanOrEqual(1);
  }
  expect(manager.status(), `seed ${seed}`).toMatchObject({ pendingRequests: 0, queuedRequests: 0 });
  for (const agent of manager.status().agents) expect(agent.inFlight, `seed ${seed}`).toBe(0);
  await manager.close();
  expect(vi.getTimerCount(), `seed ${seed}`).toBe(0);
  return clients.map(({ result }) => result);
}

test("whatever the network does, a client has one agent's whole text or sees a failure, and nothing is left behind", async () => {
  const tally = { open: 0, whole: 0, failed: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) for (const result of await play(seed)) tally[result] += 1;
  // The faults are neither so rare nor so many that the property would be empty.
  expect(tally.whole).toBeGreaterThan(SEEDS);
  expect(tally.failed).toBeGreaterThan(SEEDS / 4);
}, 60_000);
