import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { basename, resolve } from "node:path";
import { GatewayError } from "../../http/errors.ts";
import { CLAUDE_STATIC_MODELS } from "../../providers/claude/models.ts";
import { createGuardian, type Guardian } from "../guardian.ts";
import { createPrivateFolder, type PrivateFolder, type RunFolder } from "../private-folder.ts";
import type { ProcessGroup } from "../process-group.ts";
import type { CliExecution, CliExecutor, CliOutcome, CliSink } from "../types.ts";
import { buildArguments } from "./arguments.ts";
import { baseEnvironment, requestEnvironment } from "./environment.ts";
import { probeClaude } from "./login-probe.ts";
import { prepareRequest, type PreparedRequest } from "./prepare-request.ts";
import { renderResumeFile, splitConversation } from "./resume-file.ts";
import { runClaude } from "./run.ts";
import { planStdin } from "./stdin-lines.ts";

/** The ids that are listed, and every other Claude id: the CLI sends ids that it does not know as they are. */
const MODELS: readonly string[] = [...CLAUDE_STATIC_MODELS.map((model) => model.id), "claude-*"];

export interface ClaudeExecutorOptions {
  /** Path of the `claude` program, or its name on PATH. */
  readonly command: string;
  /** Where private folders are made; default: the system's temporary folder. */
  readonly workDirectory?: string;
  /** Names of further variables that the CLI may see, such as `ANTHROPIC_API_KEY`. */
  readonly passEnvironment: readonly string[];
  /** This process's environment, of which the CLI gets an allow-listed part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL, in milliseconds. */
  readonly killGraceMs?: number;
  /** How long a process may outlive its result, in milliseconds. */
  readonly lingerMs?: number;
}

const KILL_GRACE_MS = 5000;
const LINGER_MS = 2000;

interface Home {
  readonly folder: PrivateFolder;
  readonly guardian: Guardian;
}

/**
 * Runs the `claude` CLI as a pure model: one process per request, without tools but the client's (which it never runs),
 * settings or files, in an empty private folder and a process group of its own. Its login is used by itself and never read here.
 *
 * A guardian ends what runs if this process is killed. {@link CliExecutor.killAll} ends everything and removes the
 * private folder; the executor may be used again after it.
 */
export function createClaudeExecutor(options: ClaudeExecutorOptions): CliExecutor {
  // Runs have a folder of their own, so a relative path must be made absolute; a bare name is looked up on PATH.
  const command = basename(options.command) === options.command ? options.command : resolve(options.command);
  const environment = baseEnvironment(options.environment, options.passEnvironment);
  const groups = new Set<ProcessGroup>();
  const runs = new Map<Promise<CliOutcome>, AbortController>();
  let home: Promise<Home> | undefined;

  const openHome = async (): Promise<Home> => {
    const folder = await createPrivateFolder(options.workDirectory);
    return { folder, guardian: createGuardian(folder.path) };
  };

  const getHome = (): Promise<Home> => {
    home ??= openHome().catch((error: unknown) => {
      home = undefined;
      throw new GatewayError("cli_missing", "The CLI's private folder cannot be made.", { cause: error });
    });
    return home;
  };

  const runInFolder = async (
    execution: CliExecution,
    sink: CliSink,
    request: PreparedRequest,
    folder: RunFolder,
    guardian: Guardian,
  ): Promise<CliOutcome> => {
    const { resumed, live } = splitConversation(request.messages);
    const resumePath = resumed.length === 0 ? undefined : await writeSession(folder, request, resumed);
    const { model, effort, tools } = request;
    const hasTools = tools !== undefined;
    return runClaude({
      command,
      commandArguments: buildArguments({ model, effort, resumePath, hasTools }),
      spawn: {
        cwd: folder.workDirectory,
        environment: { ...environment, ...requestEnvironment(request, folder.temporaryFolder) },
      },
      plan: planStdin(request.systemPrompt, live, hasTools),
      tools,
      droppedParams: request.droppedParams,
      execution,
      sink,
      killGraceMs: options.killGraceMs ?? KILL_GRACE_MS,
      lingerMs: options.lingerMs ?? LINGER_MS,
      onSpawned(group) {
        groups.add(group);
        guardian.add(group.pid);
      },
      onGone(group) {
        groups.delete(group);
        guardian.remove(group.pid);
      },
    });
  };

  const execute = async (execution: CliExecution, sink: CliSink): Promise<CliOutcome> => {
    const request = prepareRequest(execution.request, execution.model);
    const { folder, guardian } = await getHome();
    const runFolder = await folder.createRunFolder();
    try {
      return await runInFolder(execution, sink, request, runFolder, guardian);
    } finally {
      // What cannot be removed now goes with the private folder.
      await runFolder.remove().catch(() => {});
    }
  };

  return {
    name: "claude",
    probe: (signal) => probeClaude({ command, environment, workDirectory: options.workDirectory ?? tmpdir(), signal }),
    models: () => MODELS,
    execute(execution, sink) {
      const stop = new AbortController();
      const signal = AbortSignal.any([execution.signal, stop.signal]);
      const run = execute({ ...execution, signal }, sink).finally(() => runs.delete(run));
      runs.set(run, stop);
      return run;
    },
    running: () => groups.size,
    async killAll() {
      for (const stop of runs.values()) stop.abort(new GatewayError("cancelled", "The CLI was stopped."));
      await Promise.all([...groups].map((group) => group.terminate(0)));
      await Promise.allSettled(runs.keys());
      const closing = home;
      home = undefined;
      if (closing === undefined) return;
      const { folder, guardian } = await closing;
      guardian.close();
      await folder.remove();
    },
  };
}

function writeSession(
  folder: RunFolder,
  request: PreparedRequest,
  messages: PreparedRequest["messages"],
): Promise<string> {
  const sessionId = randomUUID();
  const text = renderResumeFile(messages, {
    sessionId,
    workDirectory: folder.workDirectory,
    timestamp: new Date().toISOString(),
    model: request.model,
    createId: randomUUID,
  });
  return folder.writeFile(`${sessionId}.jsonl`, text);
}
