/** Which providers answer by a CLI, and by which: the one list that routing, retries and workers go by. */
import type { CliName } from "../cli/model-names.ts";
import type { ProviderType } from "./types.ts";

/** The providers that stand for connected agents, one for each CLI. */
export const AGENT_PROVIDERS = {
  claude: "claude-cli-remote",
  codex: "codex-cli",
  gemini: "gemini-cli",
} as const satisfies Record<CliName, ProviderType>;

/** The CLI of every provider that has one; undefined for an API. */
export const CLI_OF_PROVIDER = {
  openai: undefined,
  "claude-api": undefined,
  "claude-cli": "claude",
  "claude-cli-remote": "claude",
  "codex-cli": "codex",
  "gemini-cli": "gemini",
} as const satisfies Record<ProviderType, CliName | undefined>;

/** Whether a provider answers by a CLI, on an agent or on this machine. */
export function isCliProvider(type: ProviderType): boolean {
  return CLI_OF_PROVIDER[type] !== undefined;
}
