import { GatewayError } from "../../http/errors.ts";
import { captureCommand } from "../capture-command.ts";
import type { CliHome } from "../cli-home.ts";
import type { RunFolder } from "../private-folder.ts";
import type { ProcessGroup } from "../process-group.ts";
import { cliMissing, mapSpawnError } from "../run-errors.ts";
import { AppServer } from "./app-server.ts";
import { buildArguments } from "./arguments.ts";
import { plainCatalog, type PlainCatalog } from "./model-catalog.ts";

export interface ServerOptions {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly home: CliHome;
}

/** An app server that is ready for threads, with a folder of its own. */
export interface StartedServer {
  readonly server: AppServer;
  /** An empty folder, for threads to be in. */
  readonly workDirectory: string;
  /** Models that are sent images in all of their detail: see prepare-image.ts. */
  readonly fullDetailModels: ReadonlySet<string>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

const CATALOG_TIMEOUT_MS = 15_000;
/** 0.169.0 has 0.7 million. */
const MAX_CATALOG_CHARACTERS = 16 * 1024 * 1024;

/** Starts an app server. Rejects with GatewayError; nothing is left then. */
export async function startServer(options: ServerOptions, signal: AbortSignal): Promise<StartedServer> {
  const folder = await options.home.createRunFolder();
  // What cannot be removed now goes with the private folder.
  const removeFolder = (): Promise<void> => folder.remove().catch(() => {});
  let group: ProcessGroup | undefined;
  const stop = async (): Promise<void> => {
    if (group !== undefined) await options.home.release(group);
    await removeFolder();
  };
  try {
    const environment = { ...options.environment, TMPDIR: folder.temporaryFolder };
    const { json, fullDetailModels } = await readCatalog(options.command, environment, folder, signal);
    const catalogPath = await folder.writeFile("models.json", json);
    const cli = buildArguments({ catalogPath, stateFolder: folder.temporaryFolder });
    group = await start(options, cli, { cwd: folder.workDirectory, environment });
    const server = new AppServer(group, environment);
    await server.initialize(signal);
    return { server, workDirectory: folder.workDirectory, fullDetailModels, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  { home, command }: ServerOptions,
  cli: readonly string[],
  place: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
): Promise<ProcessGroup> {
  try {
    return await home.start(command, cli, place);
  } catch (error) {
    throw mapSpawnError(error);
  }
}

async function readCatalog(
  command: string,
  environment: Readonly<Record<string, string>>,
  folder: RunFolder,
  signal: AbortSignal,
): Promise<PlainCatalog> {
  // `--bundled`: without it the CLI may ask its vendor for a newer one.
  const run = await captureCommand(command, ["debug", "models", "--bundled"], {
    environment,
    workDirectory: folder.workDirectory,
    timeoutMs: CATALOG_TIMEOUT_MS,
    maxCharacters: MAX_CATALOG_CHARACTERS,
    signal,
  });
  if (run.type === "not-started") throw cliMissing(run.systemCode);
  const catalog = run.type === "ended" ? plainCatalog(run.stdout) : undefined;
  if (catalog === undefined) throw new GatewayError("cli_output_invalid", "The CLI gave no catalogue of its models.");
  return catalog;
}
