/**
 * What any program needs to run and to find its own login in the user's home, and no more: a remote prompt must not reach
 * the owner's other secrets.
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

export interface AllowedEnvironmentOptions {
  /** Further names: where this CLI keeps its login, and what the owner named. */
  readonly alsoAllowed: Iterable<string>;
  /** Names that are never taken from outside: the executor sets them itself, or not at all. */
  readonly reserved: ReadonlySet<string>;
}

/** The part of an environment that a CLI may see. */
export function allowedEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  options: AllowedEnvironmentOptions,
): Record<string, string> {
  const also = new Set(options.alsoAllowed);
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || options.reserved.has(name)) continue;
    const isCommon =
      ALLOWED_NAMES.has(name) ||
      (ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix)) && !REFUSED_NAMES.has(name));
    if (isCommon || also.has(name)) result[name] = value;
  }
  return result;
}
