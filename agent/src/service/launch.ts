/** How a service manager starts the agent: without secrets, which stay in files that only their owner can read. */
import { resolve } from "node:path";
import { ConfigError, type Environment, type LoadedConfig, type RawOptions } from "../config.ts";
import { longFlag, OPTION_NAMES, OPTIONS, optionSpec, type OptionName } from "../options.ts";

export interface Launch {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** The PATH that CLIs are found by. */
  readonly path: string;
  /** How long an orderly end may take, in seconds. */
  readonly stopSeconds: number;
}

/** Beyond the drain: for ending what still runs, and for the goodbye. */
const STOP_EXTRA_SECONDS = 30;

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
    path: env["PATH"] ?? "",
    stopSeconds: loaded.config.drainTimeout + STOP_EXTRA_SECONDS,
  };
}

/** Options that a service needs as paths and that are not absolute would be looked for in another folder: names them. */
export function relativePaths(flags: RawOptions, env: Environment): readonly OptionName[] {
  return OPTION_NAMES.filter((name) => /<(file|folder)>/.test(optionSpec(name).flag) && name !== "config").filter(
    (name) => {
      const value = flags[name] ?? env[OPTIONS[name].env];
      return typeof value === "string" && value.includes("/") && !/^([/\\]|[A-Za-z]:)/.test(value);
    },
  );
}
