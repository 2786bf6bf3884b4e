import { join } from "node:path";
import { startProcess, type StartedProcess } from "./child-process.ts";
import { AGENT_SECRET } from "./proxy.ts";

const AGENT = join(import.meta.dirname, "..", "..", "agent", "dist", "index.js");

export interface AgentOptions {
  readonly url: string;
  readonly id: string;
  readonly claudePath?: string;
  /** Variables of the agent's own environment that the CLI may see. */
  readonly passEnv?: Record<string, string>;
  readonly env?: Record<string, string>;
}

/** Starts the built agent; whether it has connected is for the caller to wait for. */
export async function startAgent(options: AgentOptions): Promise<StartedProcess> {
  const passEnv = options.passEnv ?? {};
  const agent = startProcess(process.execPath, [AGENT], {
    env: {
      CODEWISE_URL: options.url,
      CODEWISE_AGENT_SECRET: AGENT_SECRET,
      CODEWISE_AGENT_ID: options.id,
      ...(options.claudePath !== undefined && { CODEWISE_CLI: "claude", CODEWISE_CLAUDE_PATH: options.claudePath }),
      CODEWISE_PASS_ENV: Object.keys(passEnv).join(","),
      CODEWISE_LOG_LEVEL: "debug",
      ...passEnv,
      ...options.env,
    },
  });
  return agent;
}
