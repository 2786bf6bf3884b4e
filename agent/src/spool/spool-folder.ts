/** Where unacknowledged answers are kept: below the user's own folder for the state of programs. */
import { join, resolve } from "node:path";
import type { Environment } from "../config.ts";
import { stateFolder } from "../state-folder.ts";

/** The word that switches the spool off. */
export const SPOOL_OFF = "off";

/**
 * The folder that `configured` names; by default `codewise/agent` below `XDG_STATE_HOME` or `~/.local/state` (XDG Base
 * Directory Specification 0.8), on macOS below `~/Library/Application Support`, on Windows below `LOCALAPPDATA`.
 * Undefined where it is switched off.
 */
export function spoolFolder(
  configured: string | undefined,
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (configured === SPOOL_OFF) return undefined;
  if (configured !== undefined) return resolve(configured);
  return join(stateFolder(env, platform), "agent");
}
