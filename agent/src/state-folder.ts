import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "./config.ts";

/** This user's folder for the state of agents, by the habits of the system. */
export function stateFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const home = env["HOME"] || homedir();
  if (platform === "win32") return join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "codewise");
  if (platform === "darwin") return join(home, "Library", "Application Support", "codewise");
  const configured = env["XDG_STATE_HOME"];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(home, ".local", "state");
  return join(base, "codewise");
}
