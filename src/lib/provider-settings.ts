import type { AgentManager } from "./agent/manager.ts";
import { createClaudeExecutor } from "./cli/claude/executor.ts";
import { readProcessEnvironment, type Env } from "./env.ts";
import type { BuiltinProvidersOptions } from "./providers/index.ts";
import type { Logger } from "./telemetry/logger.ts";

type ProviderSettings = Omit<BuiltinProvidersOptions, "via" | "bodies" | "logger">;

/** Which of the providers with an API the environment switches on, and with what: those that any process can have. */
export function readApiProviderSettings(env: Env, logger: Logger): Pick<ProviderSettings, "openai" | "claudeApi"> {
  const openaiIsSelf = env.OPENAI_API_KEY !== undefined && isOwnAddress(env);
  if (openaiIsSelf) logger.warn("OPENAI_BASE_URL is this proxy's own address: the provider openai stays off");
  return {
    openai:
      env.OPENAI_API_KEY === undefined || openaiIsSelf
        ? undefined
        : { apiKey: env.OPENAI_API_KEY, baseUrl: env.OPENAI_BASE_URL, models: env.OPENAI_MODELS },
    claudeApi:
      env.ANTHROPIC_API_KEY === undefined
        ? undefined
        : { apiKey: env.ANTHROPIC_API_KEY, baseUrl: env.ANTHROPIC_BASE_URL },
  };
}

/** Which built-in providers the environment switches on, and with what. */
export function readProviderSettings(env: Env, manager: AgentManager, logger: Logger): ProviderSettings {
  return {
    ...readApiProviderSettings(env, logger),
    claudeCli: env.CLAUDE_CLI_ENABLED
      ? {
          executor: createClaudeExecutor({
            command: env.CLAUDE_CLI_PATH,
            passEnvironment: [],
            spares: env.CLAUDE_CLI_SPARES,
            environment: readProcessEnvironment(),
          }),
          maxConcurrency: env.CLAUDE_CLI_MAX_CONCURRENCY,
        }
      : undefined,
    // Always: agents may be enrolled at any time.
    agents: { manager },
  };
}

/** Whether the upstream that `OPENAI_BASE_URL` names is this very proxy, as after the two export lines it prints. */
function isOwnAddress(env: Env): boolean {
  const { hostname, port } = new URL(env.OPENAI_BASE_URL);
  return ["127.0.0.1", "localhost", "[::1]", env.HOST].includes(hostname) && port === String(env.PORT);
}
