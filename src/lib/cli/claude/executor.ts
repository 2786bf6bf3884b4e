import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { basename, resolve } from "node:path";
import { GatewayError } from "../../http/errors.ts";
import type { Fields } from "../../openai/fields.ts";
import { CLAUDE_STATIC_MODELS } from "../../providers/claude/models.ts";
import { createGuardian, type Guardian } from "../guardian.ts";
import { createPrivateFolder, type PrivateFolder, type RunFolder } from "../private-folder.ts";
import { spawnProcessGroup, type ProcessGroup } from "../process-group.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { buildArguments, type ArgumentOptions } from "./arguments.ts";
import { baseEnvironment, requestEnvironment, requestSettings, runEnvironment } from "./environment.ts";
import { probeClaude } from "./login-probe.ts";
import { prepareRequest, type PreparedRequest } from "./prepare-request.ts";
import { renderResumeFile, splitConversation } from "./resume-file.ts";
import { runClaude, type RunOptions } from "./run.ts";
import { Spares, type Spare } from "./spares.ts";
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
  /** Processes that are started before they are asked for; each takes some 90 MB. Default: none. */
  readonly spares?: number;
  /** How long a process may outlive its result, in milliseconds. */
  readonly lingerMs?: number;
}

const LINGER_MS = 2000;
/** No spare process is started where less memory is to be had. */
const MIN_AVAILABLE_BYTES = 512 * 1024 * 1024;

/** A request on its way, and who ends its process if this one dies. */
interface Work {
  readonly execution: CliExecution;
  readonly sink: CliSink;
  readonly request: PreparedRequest;
  readonly guardian: Guardian;
}

interface Home {
  readonly folder: PrivateFolder;
  readonly guardian: Guardian;
}

/**
 * Runs the `claude` CLI as a pure model: one process per request, without tools but the client's (which it never runs),
 * settings or files, in an empty private folder and a process group of its own. Its login is used by itself and never read here.
 *
 * With `spares`, processes wait for the next request of the model asked for last; each serves one request. A guardian ends what runs if this process is killed. {@link CliExecutor.killAll} ends everything and removes the
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

  const start = async (
    guardian: Guardian,
    folder: RunFolder,
    cli: ArgumentOptions,
    variables: Readonly<Record<string, string>>,
  ): Promise<ProcessGroup> => {
    const group = await spawnProcessGroup(command, buildArguments(cli), {
      cwd: folder.workDirectory,
      environment: { ...environment, ...runEnvironment(folder.temporaryFolder), ...variables },
    });
    guardian.add(group.pid);
    return group;
  };

  const startSpare = async (model: string): Promise<Spare> => {
    const { folder: parent, guardian } = await getHome();
    const folder = await parent.createRunFolder();
    // What cannot be removed now goes with the private folder.
    const removeFolder = (): Promise<void> => folder.remove().catch(() => {});
    try {
      const group = await start(guardian, folder, { model, effort: undefined, resumePath: undefined }, {});
      const stop = async (): Promise<void> => {
        await group.terminate(0);
        guardian.remove(group.pid);
        for (const stream of [group.stdin, group.stdout, group.stderr]) stream.destroy();
        await removeFolder();
      };
      return { model, group, stop };
    } catch (error) {
      await removeFolder();
      throw error;
    }
  };

  const spares = new Spares({
    count: options.spares ?? 0,
    start: startSpare,
    hasRoom: () => process.availableMemory() > MIN_AVAILABLE_BYTES,
  });

  /** One request in one process. */
  const converse = (
    work: Work,
    messages: PreparedRequest["messages"],
    process: Pick<RunOptions, "start" | "onOutput"> & { readonly settings?: Fields | undefined },
  ): Promise<CliOutcome> => {
    const { execution, sink, request, guardian } = work;
    const { systemPrompt, tools, droppedParams } = request;
    return runClaude({
      start: async () => {
        const group = await process.start();
        groups.add(group);
        return group;
      },
      onOutput: process.onOutput,
      environment: { ...environment, ...requestEnvironment(request) },
      plan: planStdin({ systemPrompt, messages, hasTools: tools !== undefined, settings: process.settings }),
      tools,
      droppedParams,
      execution,
      sink,
      lingerMs: options.lingerMs ?? LINGER_MS,
      onGone(group) {
        groups.delete(group);
        guardian.remove(group.pid);
      },
    });
  };

  /** Undefined where the process had ended while it waited, or ends without a word. */
  const runInSpare = async (work: Work, spare: Spare): Promise<CliOutcome | undefined> => {
    let hasSpoken = false;
    try {
      return await converse(work, work.request.messages, {
        start: async () => spare.group,
        settings: requestSettings(work.request),
        onOutput: () => {
          hasSpoken = true;
        },
      });
    } catch (error) {
      if (!hasSpoken && error instanceof CliFailure && error.code === "cli_crashed") return undefined;
      throw error;
    } finally {
      // A run that was aborted before it began has not used its process.
      await spare.stop();
    }
  };

  const run = async (work: Work, parent: PrivateFolder): Promise<CliOutcome> => {
    const { request, guardian } = work;
    const { model, effort } = request;
    const { resumed, live } = splitConversation(request.messages);
    const spare = resumed.length === 0 ? spares.take(model) : undefined;
    const outcome = spare === undefined ? undefined : await runInSpare(work, spare);
    if (outcome !== undefined) return outcome;
    const folder = await parent.createRunFolder();
    try {
      const resumePath = resumed.length === 0 ? undefined : await writeSession(folder, request, resumed);
      return await converse(work, live, {
        start: () => start(guardian, folder, { model, effort, resumePath }, requestEnvironment(request)),
      });
    } finally {
      // What cannot be removed now goes with the private folder.
      await folder.remove().catch(() => {});
    }
  };

  const execute = async (execution: CliExecution, sink: CliSink): Promise<CliOutcome> => {
    const request = prepareRequest(execution.request, execution.model);
    const refill = (): void => spares.refill(request.model);
    const refilling: CliSink = {
      // Not before: a start takes a core for half a second, which this request's own first words would wait for.
      open: (opened) => {
        refill();
        sink.open(opened);
      },
      delta: (delta) => sink.delta(delta),
      onDrain: (listener) => sink.onDrain(listener),
    };
    const { folder, guardian } = await getHome();
    return await run({ execution, sink: refilling, request, guardian }, folder).finally(refill);
  };

  return {
    name: "claude",
    probe: (signal) => probeClaude({ command, environment, workDirectory: options.workDirectory ?? tmpdir(), signal }),
    models: () => MODELS,
    execute(execution, sink) {
      const stop = new AbortController();
      const signal = AbortSignal.any([execution.signal, stop.signal]);
      const outcome = execute({ ...execution, signal }, sink).finally(() => runs.delete(outcome));
      runs.set(outcome, stop);
      return outcome;
    },
    running: () => groups.size,
    async killAll() {
      for (const stop of runs.values()) stop.abort(new GatewayError("cancelled", "The CLI was stopped."));
      await Promise.all([...groups].map((group) => group.terminate(0)));
      await Promise.allSettled(runs.keys());
      await spares.close();
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
