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
  /** Its `HOME`, and where its CLI works. */
  readonly home: string;
  /** Starts another process in its place, with the same home and CLI. */
  again(): AgentProcess;
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

/** Where an agent lives: what stays when its process is killed and another is started. */
interface AgentHome {
  readonly url: string;
  readonly id: string;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly claude: StandInClaude;
}

/** Starts `node agent/src/index.ts` against a proxy. It is not connected yet. `env` is added to what it needs. */
export async function startAgentProcess(
  url: string,
  id: string,
  config: Omit<StandInConfig, "answer" | "promptOverrides">,
  env: Readonly<Record<string, string>> = {},
): Promise<AgentProcess> {
  const claude = await createStandInClaude({ answer: { type: "echo" }, promptOverrides: true, ...config });
  const folder = await mkdtemp(join(tmpdir(), "chaos-agent-"));
  return launch({ url, id, env, folder, claude });
}

function launch(home: AgentHome): AgentProcess {
  const { url, id, env, folder, claude } = home;
  const child = spawn(process.execPath, [ENTRY, "--url", url, "--agent-id", id], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      NODE_ENV: "production",
      CODEWISE_AGENT_SECRET: TEST_AGENT_SECRET,
      CODEWISE_CLAUDE_PATH: claude.command,
      CODEWISE_WORK_DIR: folder,
      ...env,
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
    home: folder,
    log: () => stderr,
    again: () => launch(home),
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
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function startedPids(claude: StandInClaude): Promise<number[]> {
  const records = await claude.readRecords();
  return records.flatMap((entry) => (entry.type === "start" || entry.type === "grandchild" ? [entry.pid] : []));
}
