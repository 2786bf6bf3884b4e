import { allowedEnvironment } from "../allowed-environment.ts";

/**
 * Where the login is: below CODEX_HOME (or HOME), or in the system's keychain. A key in a variable is not here: an owner
 * whose `config.toml` names one (`env_key`) passes it by name.
 */
const LOGIN_NAMES: readonly string[] = ["CODEX_HOME", "CODEX_CA_CERTIFICATE"];

const OWN_VARIABLES: Readonly<Record<string, string>> = { RUST_LOG: "error", NO_COLOR: "1" };

/** The environment of every run of the CLI: allowed names, those the owner named, our own. */
export function baseEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  passEnvironment: readonly string[],
): Record<string, string> {
  const alsoAllowed = [...LOGIN_NAMES, ...passEnvironment];
  const reserved = new Set(Object.keys(OWN_VARIABLES));
  return { ...allowedEnvironment(environment, { alsoAllowed, reserved }), ...OWN_VARIABLES };
}
