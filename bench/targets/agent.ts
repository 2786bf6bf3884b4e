import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readCounts } from "../upstream/counts.ts";
import { startCodewiseWith } from "./codewise.ts";
import { startServer, type ServerProcess } from "./server-process.ts";
import type { StartTarget, Target } from "./types.ts";

const AGENT_MODEL = "sonnet";
const AGENTS = 8;
const MODEL_WAIT_MS = 60_000;
const MODEL_POLL_MS = 50;
/** The server gives one agent no more. */
const REQUESTS_OF_AN_AGENT = 100;

/**
 * Codewise with agents that answer: HTTP in, SSE down to the agent, POSTs back. The agents are the project's own code
 * with a stand-in for the CLI, in a process of their own; what is measured is the server.
 */
export const startAgentTarget: StartTarget = async (context) => {
  const secret = randomBytes(24).toString("hex");
  const proxy = await startCodewiseWith(context, { name: "agent", model: AGENT_MODEL, env: { AGENT_SECRET: secret } });
  let agents: ServerProcess;
  try {
    agents = await startServer({
      name: "stand-in agents",
      program: process.execPath,
      parameters: [join(import.meta.dirname, "..", "agent", "main.ts")],
      input: JSON.stringify({
        url: proxy.url,
        secret,
        model: AGENT_MODEL,
        agents: AGENTS,
        maxConcurrency: REQUESTS_OF_AN_AGENT,
      }),
      env: {},
      directory: context.directory,
      logFile: join(context.directory, "agents.log"),
    });
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  await waitForModel(proxy);
  return {
    ...proxy,
    counts: () => readCounts(agents.url),
    stop: async () => {
      await agents.stop();
      await proxy.stop();
    },
  } satisfies Target;
};

/** The agents say what they serve in a POST of their own, after they are connected. */
export async function waitForModel({ url, headers }: Target): Promise<void> {
  const deadline = performance.now() + MODEL_WAIT_MS;
  while (performance.now() < deadline) {
    const text = await (await fetch(`${url}/v1/models`, { headers })).text();
    if (text.includes(`"${AGENT_MODEL}"`)) return;
    await sleep(MODEL_POLL_MS);
  }
  throw new Error("the stand-in agents offered no model in time");
}
