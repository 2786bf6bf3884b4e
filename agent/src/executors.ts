import { createClaudeExecutor } from "../../src/lib/cli/claude/executor.ts";
import { CLI_NAMES, type CliName } from "../../src/lib/cli/model-names.ts";
import { createCodexExecutor } from "../../src/lib/cli/codex/executor.ts";
import { createGeminiExecutor } from "../../src/lib/cli/gemini/executor.ts";
import type { CliExecutor } from "../../src/lib/cli/types.ts";
import type { Environment } from "./config.ts";
import type { AgentConfig } from "./options.ts";

/** The CLIs that this configuration names, or all that there are, run with what `env` has and the configuration lets through. */
export function createExecutors(config: AgentConfig, env: Environment): readonly CliExecutor[] {
  const common = {
    ...(config.workDir !== undefined && { workDirectory: config.workDir }),
    passEnvironment: config.passEnv,
    environment: env,
  };
  const makers: Readonly<Record<CliName, () => CliExecutor>> = {
    claude: () => createClaudeExecutor({ ...common, command: config.claudePath, spares: config.spares }),
    codex: () => createCodexExecutor({ ...common, command: config.codexPath }),
    gemini: () => createGeminiExecutor({ ...common, command: config.geminiPath, spares: config.spares }),
  };
  return (config.cli ?? CLI_NAMES).map((name) => makers[name]());
}
