import type { AgentManager } from "../agent/manager.ts";
import type { CliExecutor } from "../cli/types.ts";
import type { BodyPreparer } from "../prepare-body/prepare-body.ts";
import type { Logger } from "../telemetry/logger.ts";
import { CLI_NAMES } from "../cli/model-names.ts";
import { createAgentCliProvider } from "./agent-cli.ts";
import { createClaudeApiProvider } from "./claude-api.ts";
import { createClaudeCliProvider } from "./claude-cli.ts";
import { createOpenAIProvider } from "./openai.ts";
import type { LLMProvider } from "./types.ts";

/** @public Part of the documented interface of this module. */
export { BUILTIN_PROVIDER_TYPES, type LLMProvider } from "./types.ts";

/** The providers of this process, in the order of registration. */
export interface ProviderRegistry {
  get(id: string): LLMProvider | undefined;
  list(): readonly LLMProvider[];
  ids(): readonly string[];
  /** Ends what the providers hold open. */
  close(): Promise<void>;
}

/** Makes a registry. Throws when two providers have the same id. */
export function createProviderRegistry(providers: readonly LLMProvider[]): ProviderRegistry {
  const ids = providers.map((provider) => provider.id);
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  if (byId.size !== providers.length) throw new Error("Two providers have the same id.");
  return {
    get: (id) => byId.get(id),
    list: () => providers,
    ids: () => ids,
    close: async () => {
      await Promise.allSettled(providers.map((provider) => provider.close()));
    },
  };
}

export interface BuiltinProvidersOptions {
  readonly openai:
    | { readonly apiKey: string; readonly baseUrl: string; readonly models: readonly string[] }
    | undefined;
  readonly claudeApi: { readonly apiKey: string; readonly baseUrl: string } | undefined;
  readonly claudeCli: { readonly executor: CliExecutor; readonly maxConcurrency: number } | undefined;
  /** The connected agents, with a provider for each CLI that they can serve. */
  readonly agents: { readonly manager: AgentManager } | undefined;
  readonly via: string;
  /** Translates requests for targets that do not take them as they are. */
  readonly bodies: BodyPreparer;
  readonly logger: Logger;
}

const VENDOR_HOSTS: ReadonlySet<string> = new Set(["api.openai.com", "api.anthropic.com"]);

/** Makes the built-in providers that are configured; the order is that of `/v1/models`. */
export function createBuiltinProviders(options: BuiltinProvidersOptions): readonly LLMProvider[] {
  const { openai, claudeApi, claudeCli, agents, bodies, logger } = options;
  // A vendor's own address is never this proxy's: it need not be told of it.
  const viaFor = (baseUrl: string) => (VENDOR_HOSTS.has(new URL(baseUrl).hostname) ? {} : { via: options.via });
  const providers: LLMProvider[] = [];
  if (agents !== undefined) providers.push(...CLI_NAMES.map((cli) => createAgentCliProvider({ cli, ...agents })));
  if (claudeCli !== undefined) providers.push(createClaudeCliProvider(claudeCli));
  if (claudeApi !== undefined)
    providers.push(createClaudeApiProvider({ ...claudeApi, ...viaFor(claudeApi.baseUrl), bodies, logger }));
  if (openai !== undefined) {
    const { models, ...connection } = openai;
    providers.push(
      createOpenAIProvider({ ...connection, ...(models.length > 0 && { models }), ...viaFor(openai.baseUrl), logger }),
    );
  }
  return providers;
}
