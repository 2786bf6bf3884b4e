/** The agent as a process of its own, with a stand-in CLI of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StandInConfig } from "../claude-stand-in/config.ts";
import { createStandInClaude, type StandInClaude } from "../claude-stand-in/create-stand-in.ts";
import { isAlive } from "../is-alive.ts";
import { TEST_AGENT_SECRET } from "../proxy-harness.ts";
import { until } from "./settings.ts";

const ENTRY = resolve(import.meta.dirname, "..", "..", "..", "agent", "src", "index.ts");

export interface AgentProcess {
  readonly id: string;
  readonly child: ChildProcess;
  /** The log so far. */
  log(): string;
  /** Resolves with the exit code, or the name of the signal that ended it; `undefined` when it does not end in time. */
  ended(timeoutMs: number): Promise<number | string | undefined>;
  /** The stand-in's runs and their grandchildren that live. */
  orphans(): Promise<readonly number[]>;
  /** How often a prompt that contains `tag` was put to the CLI. */
  runsOf(tag: string): Promise<number>;
  remove(): Promise<void>;
}

/** Starts `node agent/src/index.ts` against a proxy. It is not connected yet. */
export async function startAgentProcess(
  url: string,
  id: string,
  config: Omit<StandInConfig, "answer" | "promptOverrides">,
): Promise<AgentProcess> {
  const claude = await createStandInClaude({ answer: { type: "echo" }, promptOverrides: true, ...config });
  const home = await mkdtemp(join(tmpdir(), "chaos-agent-"));
  const child = spawn(process.execPath, [ENTRY, "--url", url, "--agent-id", id], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      NODE_ENV: "production",
      CODEWISE_AGENT_SECRET: TEST_AGENT_SECRET,
      CODEWISE_CLAUDE_PATH: claude.command,
      CODEWISE_WORK_DIR: home,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-20_000);
  });
  const exit = once(child, "exit");
  return {
    id,
    child,
    log: () => stderr,
    async ended(timeoutMs) {
      const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
      await until(isOver, timeoutMs);
      return child.exitCode ?? child.signalCode ?? undefined;
    },
    orphans: async () => (await startedPids(claude)).filter(isAlive),
    async runsOf(tag) {
      const records = await claude.readRecords();
      return records.filter((entry) => entry.type === "stdin" && entry.line.includes(tag)).length;
    },
    async remove() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await exit;
      }
      for (const pid of (await startedPids(claude)).filter(isAlive)) process.kill(pid, "SIGKILL");
      await claude.remove();
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function startedPids(claude: StandInClaude): Promise<number[]> {
  const records = await claude.readRecords();
  return records.flatMap((entry) => (entry.type === "start" || entry.type === "grandchild" ? [entry.pid] : []));
}
