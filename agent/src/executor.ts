import { createClaudeExecutor } from "../../src/lib/cli/claude/executor.ts";
import type { CliExecutor } from "../../src/lib/cli/types.ts";
import type { Environment } from "./config.ts";
import type { AgentConfig } from "./options.ts";

/** The CLI that this configuration names, run with what `env` has and the configuration lets through. */
export function createExecutor(config: AgentConfig, env: Environment): CliExecutor {
  return createClaudeExecutor({
    command: config.claudePath,
    ...(config.workDir !== undefined && { workDirectory: config.workDir }),
    passEnvironment: config.passEnv,
    spares: config.spares,
    environment: env,
  });
}
