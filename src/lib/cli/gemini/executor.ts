import { tmpdir } from "node:os";
import { absoluteCommand, CliHome } from "../cli-home.ts";
import type { RunFolder } from "../private-folder.ts";
import { abortError, mapSpawnError } from "../run-errors.ts";
import { refillingSink, Spares, type Spare } from "../spares.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome, type CliSink } from "../types.ts";
import { initializeLine } from "./acp.ts";
import { baseEnvironment, homeEnvironment } from "./environment.ts";
import { findLogin } from "./login.ts";
import { notLoggedIn } from "./map-failure.ts";
import { GEMINI_CLI_MODELS } from "./models.ts";
import { prepareRequest, type PreparedRequest } from "./prepare-request.ts";
import { createPrivateHome } from "./private-home.ts";
import { probeGemini } from "./probe.ts";
import { runGemini, type WaitingProcess } from "./run.ts";
import type { ProcessKind } from "./settings.ts";

export interface GeminiExecutorOptions {
  /** Path of the `gemini` program, or its name on PATH. */
  readonly command: string;
  /** Where private folders are made; default: the system's temporary folder. */
  readonly workDirectory?: string;
  /** Names of further variables that the CLI may see, such as `GEMINI_API_KEY`. */
  readonly passEnvironment: readonly string[];
  /** This process's environment, of which the CLI gets an allow-listed part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Processes that are started before they are asked for; each takes some 230 MB. Default: none. */
  readonly spares?: number;
  /** How long a process may outlive its reply, in milliseconds. */
  readonly lingerMs?: number;
}

const LINGER_MS = 2000;
/** No spare process is started where less memory is to be had, and none is kept when nobody asks. */
const MIN_AVAILABLE_BYTES = 1024 * 1024 * 1024;
const SPARE_MAX_AGE_MS = 5 * 60_000;

/** A process of the CLI with all that has to go with it. */
interface OwnProcess extends Spare, WaitingProcess {}

interface Work {
  readonly execution: CliExecution;
  readonly sink: CliSink;
  readonly request: PreparedRequest;
  readonly kind: string;
  readonly startedAt: number;
}

/**
 * Runs the `gemini` CLI (`gemini --acp`) as a pure model: one process per request, in a private home and a process group of
 * its own. The home has the settings, the system prompt, and the conversation as a session's file, whose turns are sent as
 * they are; of the owner's own `.gemini` it has links to the login, which is used by the CLI and never read here. Calls of
 * the client's tools are denied by the CLI's policy, and told to the client.
 *
 * A start takes a second, so with `spares` processes wait for the next request with the same parameters; each serves one.
 * The model `gemini` (or `auto`) leaves the choice to the CLI, which asks a small model about each request first.
 */
export function createGeminiExecutor(options: GeminiExecutorOptions): CliExecutor {
  const command = absoluteCommand(options.command);
  const environment = baseEnvironment(options.environment, options.passEnvironment);
  const ownerHome = options.environment["GEMINI_CLI_HOME"] ?? environment["HOME"] ?? environment["USERPROFILE"];
  const home = new CliHome(options.workDirectory);

  const startIn = async (folder: RunFolder, kind: string): Promise<OwnProcess> => {
    const login = await findLogin(environment, ownerHome);
    if (login === undefined) throw notLoggedIn();
    const processKind: ProcessKind = JSON.parse(kind);
    const privateHome = await createPrivateHome(folder, login, processKind);
    const group = await home.start(command, ["--acp"], {
      cwd: privateHome.workDirectory,
      environment: {
        ...environment,
        ...homeEnvironment(privateHome.path, folder.temporaryFolder, processKind.hasTools),
      },
    });
    group.stdin.write(initializeLine());
    const stop = async (): Promise<void> => {
      await home.release(group);
      // What cannot be removed now goes with the private folder.
      await folder.remove().catch(() => {});
    };
    return { kind, group, home: privateHome, stop };
  };

  const start = async (kind: string): Promise<OwnProcess> => {
    const folder = await home.createRunFolder();
    try {
      return await startIn(folder, kind);
    } catch (error) {
      await folder.remove().catch(() => {});
      throw mapSpawnError(error);
    }
  };

  const spares = new Spares<OwnProcess>({
    count: options.spares ?? 0,
    start,
    hasRoom: () => process.availableMemory() > MIN_AVAILABLE_BYTES,
    maxAgeMs: SPARE_MAX_AGE_MS,
  });

  const runIn = async (own: OwnProcess, work: Work, onSession: () => void): Promise<CliOutcome> => {
    const { kind: _kind, ...rest } = work;
    try {
      return await runGemini({
        ...rest,
        process: own,
        environment,
        onSession,
        lingerMs: options.lingerMs ?? LINGER_MS,
      });
    } finally {
      await own.stop();
    }
  };

  /** Undefined where the process had ended while it waited. */
  const runInSpare = async (own: OwnProcess, work: Work): Promise<CliOutcome | undefined> => {
    let hasSession = false;
    try {
      return await runIn(own, work, () => {
        hasSession = true;
      });
    } catch (error) {
      if (!hasSession && error instanceof CliFailure && error.code === "cli_crashed") return undefined;
      throw error;
    }
  };

  const run = async (work: Work): Promise<CliOutcome> => {
    if (work.execution.signal.aborted) throw abortError(work.execution.signal);
    const spare = spares.take(work.kind);
    const outcome = spare === undefined ? undefined : await runInSpare(spare, work);
    return outcome ?? runIn(await start(work.kind), work, () => {});
  };

  const execute = async (execution: CliExecution, sink: CliSink): Promise<CliOutcome> => {
    const startedAt = performance.now();
    const request = prepareRequest(execution.request, execution.model);
    const processKind: ProcessKind = {
      generationConfig: request.generationConfig,
      hasTools: request.tools !== undefined,
    };
    const kind = JSON.stringify(processKind);
    const refill = (): void => spares.refill(kind);
    return await run({ execution, sink: refillingSink(sink, refill), request, kind, startedAt }).finally(refill);
  };

  return {
    name: "gemini",
    probe: (signal) =>
      probeGemini({ command, environment, ownerHome, workDirectory: options.workDirectory ?? tmpdir(), signal }),
    models: () => GEMINI_CLI_MODELS,
    execute: (execution, sink) => home.run(execution.signal, (signal) => execute({ ...execution, signal }, sink)),
    running: () => home.running - spares.size,
    waiting: () => spares.size,
    killAll: () => home.close(() => spares.close()),
  };
}
