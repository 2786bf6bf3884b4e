import { CodewiseAgent } from "../../../agent/src/agent.ts";
import { createProxyClient } from "../../../agent/src/http-client.ts";
import { createLogger } from "../../../agent/src/logger.ts";
import { sleep } from "../../../agent/src/timing.ts";
import { createClaudeExecutor } from "../../lib/cli/claude/executor.ts";
import { FakeAgent } from "../fake-agent.ts";
import { FakeRun } from "../fake-agent-run.ts";
import { TEST_AGENT_SECRET, type ProxyHarness } from "../proxy-harness.ts";
import { agentModel, type AgentFault, type PostAgain } from "./agent-fault.ts";

export interface RunningAgent {
  stop(): Promise<void>;
}

/** The real agent, in this process, with a CLI to run. It offers `sonnet` only, so that the scripted ones have their own models. */
export async function startRealAgent(proxy: ProxyHarness, command: string): Promise<RunningAgent> {
  const executor = createClaudeExecutor({ command, passEnvironment: [], environment: process.env });
  const client = createProxyClient({ url: proxy.url, secret: TEST_AGENT_SECRET, agentId: "real" });
  const agent = new CodewiseAgent({
    client,
    executors: [{ ...executor, models: () => ["sonnet"] }],
    logger: createLogger("error", () => undefined),
    maxConcurrency: 4,
    drainTimeoutMs: 5000,
    sleep,
    random: Math.random,
    now: () => performance.now(),
  });
  const ended = agent.run();
  await connected(proxy, "sonnet");
  return {
    stop: async () => {
      agent.drain("the test is over");
      await ended;
      await executor.killAll();
      await client.close();
    },
  };
}

/** One scripted agent per fault and mode, each waiting for its request. `stop` rejects where one could not do its part. */
export async function startScriptedAgents(proxy: ProxyHarness, faults: readonly AgentFault[]): Promise<RunningAgent> {
  const failures: unknown[] = [];
  const agents = await Promise.all(
    faults.flatMap((fault) =>
      (["streamed", "whole"] as const).map(async (mode) => {
        const model = agentModel(fault, mode);
        const agent = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET, agentId: model });
        await agent.start({ models: [model] });
        serveOnce(agent, fault).catch((cause: unknown) => failures.push(new Error(`${model} failed`, { cause })));
        return agent;
      }),
    ),
  );
  return {
    stop: async () => {
      await Promise.all(agents.map((agent) => agent.drop()));
      if (failures.length > 0) throw new AggregateError(failures, "a scripted agent failed");
    },
  };
}

async function serveOnce(agent: FakeAgent, fault: AgentFault): Promise<void> {
  const run = new FakeRun(await agent.event("request"));
  const post: PostAgain = async (...messages) => {
    await agent.post(messages).catch(() => agent.post(messages));
  };
  await post(run.accept());
  await fault.play(agent, run, post);
}

async function connected(proxy: ProxyHarness, model: string): Promise<void> {
  if (proxy.runtime.manager.hasConnectedAgent(model)) return;
  await new Promise<void>((resolve) => {
    const unsubscribe = proxy.runtime.manager.subscribe(() => {
      if (!proxy.runtime.manager.hasConnectedAgent(model)) return;
      unsubscribe();
      resolve();
    });
  });
}
