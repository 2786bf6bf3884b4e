import { ConfigError, type Environment, type LoadedConfig } from "../config.ts";
import { longFlag, OPTIONS } from "../options.ts";
import { credentialsPath, readCredential } from "./credentials-file.ts";

/** What the agent proves itself by. */
export interface Credential {
  /** The shared secret, or the token of a login. */
  readonly secret: string;
  readonly agentId: string;
  /** Where it was found, in words for the owner; not the thing itself. */
  readonly source: string;
}

/**
 * The secret that was given, else the token that a login has stored for this URL. Throws {@link ConfigError} where there is
 * neither, or where the token belongs to another agent id than the one that was given.
 */
export function resolveCredential(loaded: LoadedConfig, env: Environment): Credential {
  const { url, secret, agentId } = loaded.config;
  if (secret !== undefined) return { secret, agentId, source: loaded.secretSource ?? longFlag("secret") };
  const path = credentialsPath(env);
  const stored = readCredential(path, url);
  if (stored === undefined) {
    throw new ConfigError(
      `not logged in at ${url}: run codewise-agent login, or give ${longFlag("secret")}, ${OPTIONS.secret.env} or "secret" in the config file`,
    );
  }
  if (loaded.isAgentIdGiven && agentId !== stored.agentId) {
    throw new ConfigError(
      `${longFlag("agentId")} (${OPTIONS.agentId.env}) is not ${stored.agentId}, which this machine is logged in as: leave it out, or log in again`,
    );
  }
  return { secret: stored.token, agentId: stored.agentId, source: `the login kept in ${path}` };
}
