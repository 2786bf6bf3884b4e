import type { Fields } from "../../openai/fields.ts";
import { allowedEnvironment } from "../allowed-environment.ts";
import type { PreparedRequest } from "./prepare-request.ts";

/**
 * Where the subscription login is: in CLAUDE_CONFIG_DIR (or HOME, or the system's keychain by USER) or in
 * CLAUDE_CODE_OAUTH_TOKEN. ANTHROPIC_API_KEY and its kind are not here: the CLI would bill the key instead of using the
 * login, so an owner who wants that names them (`--pass-env`).
 */
const LOGIN_NAMES: readonly string[] = ["CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN"];

/** Beside the safety of the prompt: few retries, since the proxy fails over; and nothing sent that no request needs. */
const OWN_SETTINGS: Readonly<Record<string, string>> = {
  CLAUDE_CODE_DISABLE_ATTACHMENTS: "1",
  CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
  // Not 0: a login whose access token has run out is renewed on a first refusal, and then the request is tried again.
  CLAUDE_CODE_MAX_RETRIES: "1",
  CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK: "1",
  CLAUDE_CODE_DISABLE_REFUSAL_RETRY: "1",
  DISABLE_AUTOUPDATER: "1",
  ENABLE_TOOL_SEARCH: "false",
};

/** Set per request or not at all: a value from outside could change prompts or replace the CLI's identification. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(OWN_SETTINGS),
  "CLAUDE_CODE_TMPDIR",
  "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
  "CLAUDE_CODE_EXTRA_BODY",
  "CLAUDE_CODE_DISABLE_THINKING",
  "MAX_THINKING_TOKENS",
]);

/** The environment of every run of the CLI, also of `--version`: allowed names, those the owner named, our own settings. */
export function baseEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  passEnvironment: readonly string[],
): Record<string, string> {
  const alsoAllowed = [...LOGIN_NAMES, ...passEnvironment];
  return { ...allowedEnvironment(environment, { alsoAllowed, reserved: RESERVED_NAMES }), ...OWN_SETTINGS };
}

/** The variable for a run's own folder: there the CLI puts its sockets and temporary files, so that they go with the run. */
export function runEnvironment(temporaryFolder: string): Record<string, string> {
  return { CLAUDE_CODE_TMPDIR: temporaryFolder };
}

/** The same parameters for a process that runs already, as the settings of `apply_flag_settings`; `undefined` for none. */
export function requestSettings(request: PreparedRequest): Fields | undefined {
  const env = requestEnvironment(request);
  const settings = {
    ...(request.effort === undefined ? {} : { effortLevel: request.effort }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** The variables that carry one request's parameters. */
export function requestEnvironment(request: PreparedRequest): Record<string, string> {
  const { maxOutputTokens, thinkingBudget, thinkingDisabled, extraBody } = request;
  return {
    ...(maxOutputTokens === undefined ? {} : { CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(maxOutputTokens) }),
    ...(thinkingDisabled ? { CLAUDE_CODE_DISABLE_THINKING: "1" } : {}),
    ...(thinkingBudget === undefined ? {} : { MAX_THINKING_TOKENS: String(thinkingBudget) }),
    ...(Object.keys(extraBody).length === 0 ? {} : { CLAUDE_CODE_EXTRA_BODY: JSON.stringify(extraBody) }),
  };
}
