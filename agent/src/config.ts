/** Gathers the options from flags, environment and file, in this order of precedence. */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { CLI_NAMES, type CliName } from "../../src/lib/cli/model-names.ts";
import {
  configSchema,
  longFlag,
  OPTION_NAMES,
  OPTIONS,
  optionSpec,
  type AgentConfig,
  type OptionName,
} from "./options.ts";

/** An option is missing or malformed. The message is one line and never quotes a value, since it may be the secret. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

export type RawOptions = Partial<Record<OptionName, unknown>>;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  readonly config: AgentConfig;
  /** What the owner should know but that stops nothing, one line each. */
  readonly warnings: readonly string[];
  /** Where the secret was given, in words; undefined where it was not. */
  readonly secretSource: string | undefined;
  /** Whether the agent's id was given, and is not the default. */
  readonly isAgentIdGiven: boolean;
  /** The CLIs that must be there: those that were named, or whose path was given. */
  readonly requiredClis: readonly CliName[];
}

const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

/**
 * Merges `flags` over `env` over the config file named by either, and checks the result. Empty variables count as not
 * set. Throws {@link ConfigError}.
 */
export function loadConfig(flags: RawOptions, env: Environment): LoadedConfig {
  const { merged, fromEnv, file } = gather(flags, env);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw problemOf(parsed.error.issues[0], merged);
  const places: readonly [string, RawOptions][] = [
    [longFlag("secret"), flags],
    [OPTIONS.secret.env, fromEnv],
    ["the config file", file.values],
  ];
  return {
    config: parsed.data,
    warnings: [...file.warnings, ...plainHttpWarning(parsed.data.url), ...passEnvWarning(parsed.data.passEnv, env)],
    secretSource: places.find(([, values]) => values.secret !== undefined)?.[0],
    isAgentIdGiven: merged.agentId !== undefined,
    requiredClis: parsed.data.cli ?? CLI_NAMES.filter((name) => merged[`${name}Path`] !== undefined),
  };
}

/** The proxy's address and the agent's id where they are given, for commands that need neither. Throws {@link ConfigError}. */
export function loadTarget(
  flags: RawOptions,
  env: Environment,
): { readonly url: string | undefined; readonly agentId: string | undefined } {
  const { merged } = gather(flags, env);
  const { url, agentId } = configSchema.shape;
  const parsed = z.object({ url: url.optional(), agentId: agentId.unwrap().optional() }).safeParse(merged);
  if (!parsed.success) throw problemOf(parsed.error.issues[0], merged);
  return { url: parsed.data.url, agentId: parsed.data.agentId };
}

function gather(flags: RawOptions, env: Environment) {
  const fromEnv = readEnvironment(env);
  const path = flags.config ?? fromEnv.config;
  const file: ConfigFile = typeof path === "string" ? readConfigFile(path) : { values: {}, warnings: [] };
  const merged: RawOptions = { ...file.values, ...fromEnv, ...defined(flags) };
  return { merged, fromEnv, file };
}

function problemOf(issue: z.core.$ZodIssue | undefined, merged: RawOptions): ConfigError {
  const name = OPTION_NAMES.find((option) => option === issue?.path[0]);
  return new ConfigError(name === undefined ? "malformed options" : describeProblem(name, merged, issue?.message));
}

function describeProblem(name: OptionName, merged: RawOptions, message: string | undefined): string {
  const { env, notInFile } = optionSpec(name);
  if (merged[name] === undefined) {
    const places = [longFlag(name), env, ...(notInFile === true ? [] : [`"${name}" in the config file`])];
    return `${longFlag(name)} is missing: give ${places.slice(0, -1).join(", ")} or ${places.at(-1)}`;
  }
  return `${longFlag(name)} (${env}) ${message === undefined ? "is malformed" : withVerb(message)}`;
}

/** zod's own messages are whole sentences or fragments such as agentIdSchema's; ours begin with a verb. */
function withVerb(message: string): string {
  return /^(must|is)\b/.test(message) ? message : `is malformed: ${message}`;
}

function readEnvironment(env: Environment): RawOptions {
  const values: RawOptions = {};
  for (const name of OPTION_NAMES) {
    const value = env[OPTIONS[name].env];
    if (value !== undefined && value !== "") values[name] = value;
  }
  return values;
}

function defined(flags: RawOptions): RawOptions {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

interface ConfigFile {
  readonly values: RawOptions;
  readonly warnings: readonly string[];
}

function readConfigFile(path: string): ConfigFile {
  const text = readBounded(path);
  const values = parseObject(text, path);
  for (const key of Object.keys(values)) {
    const known = OPTION_NAMES.some((name) => name === key && optionSpec(name).notInFile !== true);
    if (!known) throw new ConfigError(`--config: ${path} has an unknown key ${JSON.stringify(key.slice(0, 64))}`);
  }
  const othersMayRead = process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
  const warnings =
    othersMayRead && "secret" in values
      ? [`${path} holds the secret and is readable by other users: run chmod 600 on it`]
      : [];
  return { values, warnings };
}

function readBounded(path: string): string {
  try {
    if (statSync(path).size > MAX_CONFIG_FILE_BYTES) throw new ConfigError(`--config: ${path} is larger than 1 MiB`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new ConfigError(`--config: cannot read ${path} (${code})`);
  }
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it perhaps the secret.
    throw new ConfigError(`--config: ${path} is not valid JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(`--config: ${path} must hold one JSON object`);
  }
  return { ...value };
}

function plainHttpWarning(address: string): string[] {
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" && !isLoopback(hostname)
    ? ["the secret and all prompts travel unencrypted over http://: use https:// beyond this machine"]
    : [];
}

function passEnvWarning(names: readonly string[], env: Environment): string[] {
  const unset = names.filter((name) => env[name] === undefined);
  if (unset.length === 0) return [];
  return [`${longFlag("passEnv")} names what is not set here, and no CLI will see: ${unset.join(", ")}`];
}

/** Whether a URL's host name means this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
