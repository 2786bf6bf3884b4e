/** The tokens that `codewise-agent login` was given, one for each proxy, in a file that only its owner can read. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { agentIdSchema } from "../../../src/lib/agent/types.ts";
import { ConfigError, type Environment } from "../config.ts";
import { preparePrivateFolder, writeAtomically } from "../private-files.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const OTHERS = 0o077;

const tokenSchema = z
  .string()
  .max(512)
  .regex(/^[\x21-\x7e]+$/);
const fileSchema = z.object({
  proxies: z.record(z.string(), z.object({ agentId: agentIdSchema, token: tokenSchema })),
});

/** What one proxy has given this machine. */
export interface StoredCredential {
  readonly agentId: string;
  readonly token: string;
}

type Stored = z.infer<typeof fileSchema>["proxies"];

/** `codewise-agent/credentials.json` below `XDG_CONFIG_HOME`, or `~/.config` where that is not an absolute path. */
export function credentialsPath(env: Environment): string {
  const configured = env["XDG_CONFIG_HOME"];
  const base =
    configured !== undefined && isAbsolute(configured) ? configured : join(env["HOME"] || homedir(), ".config");
  return join(base, "codewise-agent", "credentials.json");
}

/**
 * The credential for a proxy's URL; undefined where there is none. Throws {@link ConfigError} for a file that other users
 * can read, or that is malformed; its message quotes nothing of it.
 */
export function readCredential(path: string, url: string): StoredCredential | undefined {
  const stored = readFile(path);
  return Object.hasOwn(stored, url) ? stored[url] : undefined;
}

/** Keeps a credential for a proxy's URL in the place of an earlier one. Throws as {@link readCredential}. */
export function writeCredential(path: string, url: string, credential: StoredCredential): void {
  writeFile(path, { ...readFile(path), [url]: credential });
}

/** Forgets the credential for a proxy's URL. Throws as {@link readCredential}. */
export function removeCredential(path: string, url: string): void {
  writeFile(path, Object.fromEntries(Object.entries(readFile(path)).filter(([key]) => key !== url)));
}

/** Makes the file's folder, closed to other users. Throws {@link ConfigError} where that cannot be. */
export function prepareFolder(path: string): void {
  orConfigError("make a folder for", path, () => preparePrivateFolder(dirname(path)));
}

function readFile(path: string): Stored {
  const text = orConfigError("read", path, () => readOwnFile(path));
  if (text === undefined) return {};
  const parsed = fileSchema.safeParse(parse(text));
  if (!parsed.success) throw new ConfigError(`${path} is malformed: remove it, and log in again`);
  return parsed.data.proxies;
}

/** The text of a file that is this user's own and closed to others; undefined where there is none. What is checked is what is read. */
function readOwnFile(path: string): string | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    const isOwn = process.geteuid === undefined || found.uid === process.geteuid();
    if (!found.isFile() || found.size > MAX_FILE_BYTES || !isOwn) {
      throw new ConfigError(`${path} is no file of this program and user: remove it`);
    }
    if (process.platform !== "win32" && (found.mode & OTHERS) !== 0) {
      throw new ConfigError(`${path} holds tokens and is open to other users: run chmod 600 on it`);
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function writeFile(path: string, proxies: Stored): void {
  prepareFolder(path);
  orConfigError("write", path, () => writeAtomically(path, `${JSON.stringify({ proxies }, null, 2)}\n`));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and with it perhaps a token.
    return undefined;
  }
}

function orConfigError<Value>(verb: string, path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new ConfigError(`cannot ${verb} ${path} (${code})`);
  }
}
