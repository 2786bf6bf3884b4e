import type { Fields } from "../../openai/fields.ts";
import { TOOL_SERVER } from "./client-tools.ts";

/** What a process of the CLI is started for, before a request is known; processes of one kind are alike. */
export interface ProcessKind {
  readonly generationConfig: Fields;
  readonly hasTools: boolean;
}

export interface SettingsOptions extends ProcessKind {
  /** `security.auth.selectedType`: how the CLI logs in. */
  readonly authType: string;
}

/**
 * The settings of a CLI that is a pure model, as the `settings.json` of its private home (0.61.0). One turn a session: the
 * CLI makes one request of the model and never goes on from a tool's result. Telemetry is set by variables. Pure.
 */
export function renderSettings(options: SettingsOptions): string {
  return JSON.stringify({
    security: { auth: { selectedType: options.authType }, folderTrust: { enabled: false } },
    general: {
      // The proxy fails over; and an answer that was begun is never begun again.
      maxAttempts: 1,
      retryFetchErrors: false,
      checkpointing: { enabled: false },
      sessionRetention: { enabled: false },
      enableAutoUpdate: false,
      enableAutoUpdateNotification: false,
    },
    model: {
      maxSessionTurns: 1,
      disableLoopDetection: true,
      skipNextSpeakerCheck: true,
      // A share of the context window: never summed up, since the prompt must be no larger anyway.
      compressionThreshold: 100,
    },
    modelConfigs: {
      customOverrides: [
        { match: { isChatModel: true }, modelConfig: { generateContentConfig: options.generationConfig } },
      ],
    },
    // Names the only tools that are offered. The CLI's policy denies the calls all the same.
    tools: { core: options.hasTools ? [`mcp_${TOOL_SERVER}_*`] : ["none"], sandbox: false },
    mcp: { allowed: options.hasTools ? [TOOL_SERVER] : [] },
    context: { includeDirectoryTree: false, fileName: "no-context-file", loadMemoryFromIncludeDirectories: false },
    skills: { enabled: false },
    hooksConfig: { enabled: false },
    experimental: { enableAgents: false, toolOutputMasking: { enabled: false } },
    privacy: { usageStatisticsEnabled: false },
  });
}
