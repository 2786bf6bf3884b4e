/** The tokens that `codewise-agent login` was given, one for each proxy, in a file that only its owner can read. */
import { randomUUID } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { agentIdSchema } from "../../../src/lib/agent/types.ts";
import { ConfigError, type Environment } from "../config.ts";

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
  orConfigError("make a folder for", path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    chmodSync(dirname(path), 0o700);
  });
}

function readFile(path: string): Stored {
  const found = orConfigError("read", path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (found === undefined) return {};
  if (!found.isFile() || found.size > MAX_FILE_BYTES)
    throw new ConfigError(`${path} is no file of this program: remove it`);
  if (process.platform !== "win32" && (found.mode & OTHERS) !== 0) {
    throw new ConfigError(`${path} holds tokens and is open to other users: run chmod 600 on it`);
  }
  const parsed = fileSchema.safeParse(parse(orConfigError("read", path, () => readFileSync(path, "utf8"))));
  if (!parsed.success) throw new ConfigError(`${path} is malformed: remove it, and log in again`);
  return parsed.data.proxies;
}

/** At once or not at all: whoever reads sees the old file or the new one. */
function writeFile(path: string, proxies: Stored): void {
  prepareFolder(path);
  const temporary = `${path}.${randomUUID()}.tmp`;
  orConfigError("write", path, () => {
    try {
      const file = openSync(temporary, "wx", 0o600);
      try {
        writeSync(file, `${JSON.stringify({ proxies }, null, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
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
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new ConfigError(`cannot ${verb} ${path} (${code})`);
  }
}
