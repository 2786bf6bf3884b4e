/** How a service manager starts the agent: without secrets, which stay in files that only their owner can read. */
import { delimiter, isAbsolute, resolve } from "node:path";
import { ConfigError, type Environment, type LoadedConfig, type RawOptions } from "../config.ts";
import { longFlag, OPTION_NAMES, OPTIONS, optionSpec, type AgentConfig, type OptionName } from "../options.ts";
import { SPOOL_OFF } from "../spool/spool-folder.ts";

export interface Launch {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** The PATH that CLIs are found by, and what names the folders that the login and the state lie in. */
  readonly variables: Readonly<Record<string, string>>;
  /** How long an orderly end may take, in seconds. */
  readonly stopSeconds: number;
}

/** Beyond the drain: for ending what still runs, and for the goodbye. */
const STOP_EXTRA_SECONDS = 30;
/** By the XDG Base Directory Specification; one that is not absolute counts for nothing. */
const FOLDER_VARIABLES = ["XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/**
 * The command line with every option that was given by a flag or a variable, apart from the secret. Throws ConfigError
 * where the secret was given by either, since the service would not have it.
 */
export function launchOf(
  loaded: LoadedConfig,
  flags: RawOptions,
  env: Environment,
  program: readonly string[],
): Launch {
  const given = OPTION_NAMES.flatMap((name) => {
    const value = flags[name] ?? (env[OPTIONS[name].env] || undefined);
    return value === undefined ? [] : [{ name, value }];
  });
  if (given.some(({ name }) => name === "secret")) {
    throw new ConfigError(
      `a service is given no secret by a flag or a variable: run codewise-agent login without ${longFlag("secret")} and ${OPTIONS.secret.env}, or put "secret" into the file of ${longFlag("config")}`,
    );
  }
  const options = given.flatMap(({ name, value }) => {
    if (name === "approve") return loaded.config.approve ? [longFlag(name)] : [];
    const values = Array.isArray(value) ? value : [value];
    return values.flatMap((one) => [longFlag(name), name === "config" ? resolve(String(one)) : String(one)]);
  });
  return {
    command: [...program, ...options],
    variables: { PATH: lastingPath(env["PATH"] ?? ""), ...folderVariables(env) },
    stopSeconds: loaded.config.drainTimeout + STOP_EXTRA_SECONDS,
  };
}

/** Without the folders that `npm run` and `npx` put before it for their child alone: a service would go on with them for good. */
function lastingPath(path: string): string {
  const isOfNpm = (folder: string): boolean => /[\\/](node_modules[\\/]\.bin|node-gyp-bin)[\\/]?$/.test(folder);
  return path
    .split(delimiter)
    .filter((folder) => !isOfNpm(folder))
    .join(delimiter);
}

/** What works otherwise in a service than in a shell, one line each. */
export function serviceNotes({ passEnv, approve, approveTimeout }: AgentConfig): readonly string[] {
  const notes: string[] = [];
  if (passEnv.length > 0) {
    notes.push(
      `${longFlag("passEnv")}: the service has none of this shell's variables, so ${passEnv.join(", ")} must be set where your system keeps those of services.`,
    );
  }
  if (approve) {
    notes.push(
      `${longFlag("approve")}: the service asks on no terminal: codewise-agent status lists what waits, codewise-agent approve answers, and without an answer within ${approveTimeout} s a request is refused.`,
    );
  }
  return notes;
}

function folderVariables(env: Environment): Readonly<Record<string, string>> {
  const given = FOLDER_VARIABLES.map((name) => [name, env[name] ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => isAbsolute(value)));
}

/**
 * What a service would look for in another folder, wherever it was given: a folder must be an absolute path, and a program
 * that, or a bare name. Throws ConfigError.
 */
export function checkPaths(config: AgentConfig): void {
  const values: Readonly<Record<string, unknown>> = config;
  for (const name of OPTION_NAMES) {
    const kind = /<(file|folder)>/.exec(optionSpec(name).flag)?.[1];
    const value = values[name];
    if (kind === undefined || typeof value !== "string" || isAbsolute(value)) continue;
    if (kind === "folder" && value !== SPOOL_OFF) throw relativePath(name, "an absolute path");
    if (kind === "file" && /[/\\:]/.test(value)) throw relativePath(name, "an absolute path, or a name on the PATH,");
  }
}

function relativePath(name: OptionName, wanted: string): ConfigError {
  return new ConfigError(`${longFlag(name)} (${OPTIONS[name].env}) must be ${wanted} for a service`);
}
