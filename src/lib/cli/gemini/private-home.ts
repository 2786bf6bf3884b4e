import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Fields } from "../../openai/fields.ts";
import type { RunFolder } from "../private-folder.ts";
import type { ClientTools } from "./client-tools.ts";
import { systemPromptPath } from "./environment.ts";
import type { Login } from "./login.ts";
import { renderSessionFile } from "./session-file.ts";
import { renderSettings, type ProcessKind } from "./settings.ts";
import { renderToolServer } from "./tool-server-program.ts";

/** One process's home: the CLI finds there what is written for it, and links to the owner's login, and nothing else. */
export interface PrivateHome {
  readonly path: string;
  /** The folder to run in, as the CLI sees it. */
  readonly workDirectory: string;
}

const FILE_MODE = { mode: 0o600 };
/** The CLI's name for the folder's sessions. */
const PROJECT = "run";

/**
 * Makes the home around a run's folder before its process starts. The working folder is within it, so that the CLI, which
 * looks for a file of variables upwards from there, finds this home's first.
 */
export async function createPrivateHome(folder: RunFolder, login: Login, kind: ProcessKind): Promise<PrivateHome> {
  const workDirectory = await realpath(folder.workDirectory);
  const path = dirname(workDirectory);
  const own = join(path, ".gemini");
  await mkdir(own, { mode: 0o700 });
  await writeFile(join(own, "settings.json"), renderSettings({ ...kind, authType: login.authType }), FILE_MODE);
  await writeFile(join(own, "projects.json"), JSON.stringify({ projects: { [workDirectory]: PROJECT } }), FILE_MODE);
  for (const parent of ["tmp", "history"]) {
    await mkdir(join(own, parent, PROJECT), { recursive: true, mode: 0o700 });
    await writeFile(join(own, parent, PROJECT, ".project_root"), workDirectory, FILE_MODE);
  }
  // A process that waits for its request has no system prompt yet, and would not start without the file.
  await writeFile(systemPromptPath(path), "", FILE_MODE);
  for (const file of login.files) await symlink(file, join(own, basename(file)));
  if (!login.files.some((file) => basename(file) === ".env")) await writeFile(join(own, ".env"), "", FILE_MODE);
  return { path, workDirectory };
}

export interface SessionOptions {
  readonly sessionId: string;
  readonly mark: string;
  readonly timestamp: string;
  readonly systemPrompt: string;
  readonly history: readonly Fields[];
  readonly tools: ClientTools | undefined;
}

/** Writes what one request needs; gives the MCP servers for `session/load`. */
export async function writeSession(home: PrivateHome, options: SessionOptions): Promise<readonly Fields[]> {
  const chats = join(home.path, ".gemini", "tmp", PROJECT, "chats");
  await mkdir(chats, { recursive: true, mode: 0o700 });
  const name = `session-2025-01-01T00-00-${options.sessionId.slice(0, 8)}.jsonl`;
  await writeFile(join(chats, name), renderSessionFile(options.history, options), FILE_MODE);
  await writeFile(systemPromptPath(home.path), options.systemPrompt, FILE_MODE);
  if (options.tools === undefined) return [];
  const server = join(home.path, "tools.mjs");
  await writeFile(server, renderToolServer(options.tools.listed), FILE_MODE);
  return [{ name: "client", command: process.execPath, args: [server], env: [] }];
}
