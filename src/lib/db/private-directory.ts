import { chmod, mkdir, stat } from "node:fs/promises";
import { parse, resolve } from "node:path";
import type { Logger } from "../telemetry/logger.ts";

const OTHERS = 0o077;
const OWNER = 0o700;
const STICKY = 0o1000;

/**
 * Makes a folder, and the ones above it, that only its owner can enter (mode 0700), and takes group and others their
 * rights to one that was there before. Where that cannot be done (the folder is another user's, is shared on purpose
 * like `/tmp`, or the system knows no modes) a warning is logged. Rejects when the folder cannot be made.
 */
export async function makePrivateDirectory(path: string, logger: Logger): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER });
  const reason = await closeToOthers(path);
  if (reason !== undefined) logger.warn({ path, reason }, "other users of this machine may be able to read the data");
}

/** Undefined when nobody else can enter the folder; otherwise why that could not be brought about. */
async function closeToOthers(path: string): Promise<string | undefined> {
  if (process.getuid === undefined) return "this system has no modes of files; see to the rights of the folder";
  const { mode, uid } = await stat(path);
  if ((mode & OTHERS) === 0) return undefined;
  if (uid !== process.getuid()) return "the folder belongs to another user";
  if ((mode & STICKY) !== 0 || resolve(path) === parse(resolve(path)).root) return "the folder is shared by all users";
  try {
    await chmod(path, (mode & ~OTHERS & 0o7777) | OWNER);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "unknown error";
  }
}
