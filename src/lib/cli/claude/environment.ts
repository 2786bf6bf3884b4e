import type { Fields } from "../../openai/fields.ts";
import type { PreparedRequest } from "./prepare-request.ts";

/**
 * What the CLI needs to run and to find its own login, and no more: a remote prompt must not reach the owner's other
 * secrets. The subscription login is in CLAUDE_CONFIG_DIR (or HOME, or the system's keychain by USER) or in
 * CLAUDE_CODE_OAUTH_TOKEN. ANTHROPIC_API_KEY and its kind are not here: the CLI would bill the key instead of using the
 * login, so an owner who wants that names them (`--pass-env`).
 */
const ALLOWED_NAMES: ReadonlySet<string> = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "TERM",
  "TMPDIR",
  "TZ",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "NODE_EXTRA_CA_CERTS",
  "CLAUDE_CONFIG_DIR",
  "CLAUDE_CODE_OAUTH_TOKEN",
  // Windows
  "APPDATA",
  "COMSPEC",
  "HOMEDRIVE",
  "HOMEPATH",
  "LOCALAPPDATA",
  "PATHEXT",
  "PROGRAMDATA",
  "SYSTEMROOT",
  "SystemRoot",
  "TEMP",
  "TMP",
  "USERNAME",
  "USERPROFILE",
]);
const ALLOWED_PREFIXES: readonly string[] = ["LC_", "XDG_", "SSL_CERT_"];
/** The login session's sockets, among them those by which running CLIs of the owner speak to each other. */
const REFUSED_NAMES: ReadonlySet<string> = new Set(["XDG_RUNTIME_DIR"]);

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
  const passed = new Set(passEnvironment);
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || RESERVED_NAMES.has(name)) continue;
    const allowed =
      ALLOWED_NAMES.has(name) ||
      (ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix)) && !REFUSED_NAMES.has(name));
    if (allowed || passed.has(name)) result[name] = value;
  }
  return { ...result, ...OWN_SETTINGS };
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
