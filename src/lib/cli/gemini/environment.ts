import { join } from "node:path";
import { allowedEnvironment } from "../allowed-environment.ts";

/** Which project a login is for: no secrets. Keys are passed by name only (`--pass-env`). */
const LOGIN_NAMES: readonly string[] = ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID", "GOOGLE_CLOUD_LOCATION"];

/** One process, and nobody who could be asked. */
const OWN_SETTINGS: Readonly<Record<string, string>> = {
  GEMINI_CLI_NO_RELAUNCH: "true",
  NO_BROWSER: "true",
  GEMINI_SANDBOX: "false",
};

/** Set for each run, or not at all: a value from outside could change prompts or where they are written. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(OWN_SETTINGS),
  "GEMINI_CLI_HOME",
  "GEMINI_SYSTEM_MD",
  "GEMINI_WRITE_SYSTEM_MD",
  "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
  "GEMINI_CLI_SYSTEM_DEFAULTS_PATH",
  "GEMINI_MODEL",
  "GEMINI_TELEMETRY_ENABLED",
  "GEMINI_TELEMETRY_TARGET",
  "GEMINI_TELEMETRY_OUTFILE",
  "GEMINI_TELEMETRY_LOG_PROMPTS",
  "GEMINI_TELEMETRY_OTLP_ENDPOINT",
  "GEMINI_TELEMETRY_USE_COLLECTOR",
]);

/** The environment of every process of the CLI: allowed names, those the owner named, our own settings. */
export function baseEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  passEnvironment: readonly string[],
): Record<string, string> {
  const alsoAllowed = [...LOGIN_NAMES, ...passEnvironment];
  return { ...allowedEnvironment(environment, { alsoAllowed, reserved: RESERVED_NAMES }), ...OWN_SETTINGS };
}

/**
 * The variables that lead a process to its private home. The CLI writes reports of failed requests, prompt included, into
 * the folder for temporary files; the settings of the machine are looked for where there are none. All that a file of
 * variables of the owner's could say about telemetry and prompts is said here, since the CLI takes the first word.
 */
export function homeEnvironment(home: string, temporaryFolder: string, hasTools: boolean): Record<string, string> {
  return {
    GEMINI_CLI_HOME: home,
    GEMINI_SYSTEM_MD: systemPromptPath(home),
    GEMINI_WRITE_SYSTEM_MD: "false",
    GEMINI_CLI_SYSTEM_SETTINGS_PATH: join(home, "no-settings.json"),
    GEMINI_CLI_SYSTEM_DEFAULTS_PATH: join(home, "no-defaults.json"),
    GEMINI_TELEMETRY_ENABLED: "true",
    GEMINI_TELEMETRY_TARGET: "local",
    GEMINI_TELEMETRY_OUTFILE: telemetryPath(home),
    GEMINI_TELEMETRY_USE_COLLECTOR: "false",
    GEMINI_TELEMETRY_OTLP_ENDPOINT: "",
    // Tells the arguments of calls; the file goes with the run's folder.
    GEMINI_TELEMETRY_LOG_PROMPTS: String(hasTools),
    TMPDIR: temporaryFolder,
    TMP: temporaryFolder,
    TEMP: temporaryFolder,
  };
}

export function systemPromptPath(home: string): string {
  return join(home, "system.md");
}

/** The file in which the CLI tells how the answer ended. */
export function telemetryPath(home: string): string {
  return join(home, "telemetry.json");
}
