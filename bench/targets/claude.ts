/** Codewise with a stand-in for the `claude` CLI, which it runs itself, or which the real agent runs. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createStandInClaude } from "../../src/test/claude-stand-in/create-stand-in.ts";
import { waitForModel } from "./agent.ts";
import { startCodewiseWith } from "./codewise.ts";
import { startServer } from "./server-process.ts";
import type { StartTarget } from "./types.ts";

const MODEL = "sonnet";
const CONCURRENCY = "4";
const root = join(import.meta.dirname, "..", "..");

export const startClaudeLocal: StartTarget = async (context) => {
  const standIn = await createStandInClaude({ answer: { type: "echo" } });
  const proxy = await startCodewiseWith(context, {
    name: "claude-local",
    model: MODEL,
    env: { CLAUDE_CLI_ENABLED: "true", CLAUDE_CLI_PATH: standIn.command, CLAUDE_CLI_MAX_CONCURRENCY: CONCURRENCY },
  });
  await waitForModel(proxy);
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop();
      await standIn.remove();
    },
  };
};

export const startClaudeAgent: StartTarget = async (context) => {
  const standIn = await createStandInClaude({ answer: { type: "echo" } });
  const secret = randomBytes(24).toString("hex");
  const proxy = await startCodewiseWith(context, {
    name: "claude-agent",
    model: MODEL,
    env: { AGENT_SECRET: secret },
  });
  const directory = mkdtempSync(join(context.directory, "claude-agent-"));
  const agent = await startServer({
    name: "codewise-agent",
    program: process.execPath,
    parameters: [context.fromSource ? join(root, "agent", "src", "index.ts") : builtAgent()],
    env: {
      CODEWISE_URL: proxy.url,
      CODEWISE_AGENT_SECRET: secret,
      CODEWISE_AGENT_ID: "bench-claude",
      CODEWISE_CLAUDE_PATH: standIn.command,
      CODEWISE_MAX_CONCURRENCY: CONCURRENCY,
      CODEWISE_DRAIN_TIMEOUT: "0",
    },
    directory,
    logFile: join(directory, "agent.log"),
    port: Number(new URL(proxy.url).port),
    readyPath: "/healthz",
  });
  await waitForModel(proxy);
  return {
    ...proxy,
    stop: async () => {
      await agent.stop();
      await proxy.stop();
      await standIn.remove();
    },
  };
};

/** What laptops run: a CLI is started more slowly from a larger process, and from source the agent is a third larger. */
function builtAgent(): string {
  const path = join(root, "agent", "dist", "index.js");
  if (!existsSync(path)) throw new Error("there is no built agent: run `npm run build`, or bench with --source");
  return path;
}
