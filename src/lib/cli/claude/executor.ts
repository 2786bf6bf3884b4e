import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import type { Fields } from "../../openai/fields.ts";
import { CLAUDE_STATIC_MODELS } from "../../providers/claude/models.ts";
import { absoluteCommand, CliHome } from "../cli-home.ts";
import type { RunFolder } from "../private-folder.ts";
import type { ProcessGroup } from "../process-group.ts";
import { refillingSink, Spares, type Spare } from "../spares.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { buildArguments, type ArgumentOptions } from "./arguments.ts";
import { baseEnvironment, requestEnvironment, requestSettings, runEnvironment } from "./environment.ts";
import { probeClaude } from "./login-probe.ts";
import { prepareRequest, type PreparedRequest } from "./prepare-request.ts";
import { renderResumeFile, splitConversation } from "./resume-file.ts";
import { runClaude, type RunOptions } from "./run.ts";
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

/** A request on its way. */
interface Work {
  readonly execution: CliExecution;
  readonly sink: CliSink;
  readonly request: PreparedRequest;
}

/**
 * Runs the `claude` CLI as a pure model: one process per request, without tools but the client's (which it never runs),
 * settings or files, in an empty private folder and a process group of its own. Its login is used by itself and never read here.
 *
 * With `spares`, processes wait for the next request of the model asked for last; each serves one request. A guardian ends what runs if this process is killed. {@link CliExecutor.killAll} ends everything and removes the
 * private folder; the executor may be used again after it.
 */
export function createClaudeExecutor(options: ClaudeExecutorOptions): CliExecutor {
  const command = absoluteCommand(options.command);
  const environment = baseEnvironment(options.environment, options.passEnvironment);
  const home = new CliHome(options.workDirectory);

  const start = (
    folder: RunFolder,
    cli: ArgumentOptions,
    variables: Readonly<Record<string, string>>,
  ): Promise<ProcessGroup> =>
    home.start(command, buildArguments(cli), {
      cwd: folder.workDirectory,
      environment: { ...environment, ...runEnvironment(folder.temporaryFolder), ...variables },
    });

  const startSpare = async (model: string): Promise<Spare> => {
    const folder = await home.createRunFolder();
    // What cannot be removed now goes with the private folder.
    const removeFolder = (): Promise<void> => folder.remove().catch(() => {});
    try {
      const group = await start(folder, { model, effort: undefined, resumePath: undefined }, {});
      const stop = async (): Promise<void> => {
        await home.release(group);
        await removeFolder();
      };
      return { kind: model, group, stop };
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
    const { execution, sink, request } = work;
    const { systemPrompt, tools, droppedParams } = request;
    return runClaude({
      start: process.start,
      onOutput: process.onOutput,
      environment: { ...environment, ...requestEnvironment(request) },
      plan: planStdin({ systemPrompt, messages, hasTools: tools !== undefined, settings: process.settings }),
      tools,
      droppedParams,
      execution,
      sink,
      lingerMs: options.lingerMs ?? LINGER_MS,
      onGone: (group) => home.forget(group),
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

  const run = async (work: Work): Promise<CliOutcome> => {
    const { request } = work;
    const { model, effort } = request;
    const { resumed, live } = splitConversation(request.messages);
    const spare = resumed.length === 0 ? spares.take(model) : undefined;
    const outcome = spare === undefined ? undefined : await runInSpare(work, spare);
    if (outcome !== undefined) return outcome;
    const folder = await home.createRunFolder();
    try {
      const resumePath = resumed.length === 0 ? undefined : await writeSession(folder, request, resumed);
      return await converse(work, live, {
        start: () => start(folder, { model, effort, resumePath }, requestEnvironment(request)),
      });
    } finally {
      // What cannot be removed now goes with the private folder.
      await folder.remove().catch(() => {});
    }
  };

  const execute = async (execution: CliExecution, sink: CliSink): Promise<CliOutcome> => {
    const request = prepareRequest(execution.request, execution.model);
    const refill = (): void => spares.refill(request.model);
    return await run({ execution, sink: refillingSink(sink, refill), request }).finally(refill);
  };

  return {
    name: "claude",
    probe: (signal) => probeClaude({ command, environment, workDirectory: options.workDirectory ?? tmpdir(), signal }),
    models: () => MODELS,
    execute: (execution, sink) => home.run(execution.signal, (signal) => execute({ ...execution, signal }, sink)),
    running: () => home.running - spares.size,
    waiting: () => spares.size,
    killAll: () => home.close(() => spares.close()),
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
