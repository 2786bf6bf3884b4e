import { GatewayError } from "../../http/errors.ts";
import { RefusedCall, type AppServer } from "./app-server.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import { authStatusSchema, threadStartedSchema } from "./protocol.ts";
import { configReadSchema, threadSettings } from "./thread-settings.ts";

export interface OpenedThread {
  readonly threadId: string;
  /** The model that it will ask. */
  readonly model: string;
}

export type ThreadRequest = Pick<PreparedRequest, "model" | "tools" | "effort" | "verbosity">;

/**
 * Opens a thread that is kept nowhere and can do nothing: no environment to run in, no approvals, and the settings of
 * thread-settings.ts for the configuration as it is now. Rejects with GatewayError; `cli_not_logged_in` without asking the
 * upstream, `cli_unexpected_tool` where the owner's own instructions would be told to the model.
 */
export async function openThread(
  server: AppServer,
  request: ThreadRequest,
  workDirectory: string,
  signal: AbortSignal,
): Promise<OpenedThread> {
  const [{ config }, login] = await Promise.all([
    server.ask("config/read", { includeLayers: false }, configReadSchema, signal),
    // Not `account/read`, which asks the vendor about the workspaces of a ChatGPT login, and fails where it cannot.
    server.ask("getAuthStatus", { includeToken: false, refreshToken: false }, authStatusSchema, signal),
  ]);
  if (login.requiresOpenaiAuth && !login.authMethod) {
    throw new GatewayError("cli_not_logged_in", "The CLI is not logged in.");
  }
  const settings = threadSettings(config);
  const params = {
    ...(request.model === undefined ? {} : { model: request.model }),
    ...(settings.modelProvider === undefined ? {} : { modelProvider: settings.modelProvider }),
    config: {
      ...settings.config,
      ...(request.effort === undefined ? {} : { model_reasoning_effort: request.effort }),
      ...(request.verbosity === undefined ? {} : { model_verbosity: request.verbosity }),
    },
    cwd: workDirectory,
    ephemeral: true,
    sandbox: "read-only",
    approvalPolicy: "never",
    environments: [],
    // The client's are among the conversation, where they stand.
    baseInstructions: "",
    developerInstructions: "",
    dynamicTools: request.tools,
    experimentalRawEvents: true,
  };
  try {
    const { thread, model, instructionSources } = await server.ask("thread/start", params, threadStartedSchema, signal);
    if ((instructionSources ?? []).length > 0) throw ownersInstructions();
    return { threadId: thread.id, model };
  } catch (error) {
    if (error instanceof RefusedCall && /\bdynamic tool/i.test(error.said)) throw refusedTools(error);
    throw error;
  }
}

/** The CLI has no switch against them, and a prompt could make the model tell them. */
function ownersInstructions(): GatewayError {
  return new GatewayError(
    "cli_unexpected_tool",
    "The CLI would tell its model the instructions (AGENTS.md) of the owner of the machine.",
  );
}

function refusedTools(cause: RefusedCall): GatewayError {
  return new GatewayError("unsupported_parameter", "The CLI does not take these tools.", {
    param: "tools",
    failover: true,
    cause,
  });
}
