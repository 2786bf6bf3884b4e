import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { GatewayError } from "../http/errors.ts";

const ownerSchema = z.object({
  pid: z.int().positive(),
  /** Clock ticks since boot, where the system tells: a pid that is used again belongs to another process. */
  startTicks: z.string().nullable(),
});
type Owner = z.infer<typeof ownerSchema>;

/** Longest time the takeover of a stale lock takes; whoever holds it longer has died in it. */
const TAKEOVER_TIMEOUT_MS = 5000;
const TAKEOVER_POLL_MS = 20;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

/** When a process started, from field 22 of `/proc/<pid>/stat` (proc(5)); null where there is no such file. */
async function readStartTicks(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (!isRunning(owner.pid)) return false;
  const startTicks = await readStartTicks(owner.pid);
  return owner.startTicks === null || startTicks === null || owner.startTicks === startTicks;
}

/** The owner that the lock file names; undefined without a file, "unreadable" where it names none. */
async function readOwner(path: string): Promise<Owner | "unreadable" | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return "unreadable";
  }
}

/** Removes a lock whose owner is dead. Only one process at a time does this, or one could remove another's new lock. */
async function removeStaleLock(path: string): Promise<void> {
  const takeover = `${path}.takeover`;
  const deadline = Date.now() + TAKEOVER_TIMEOUT_MS;
  for (;;) {
    try {
      await mkdir(takeover);
      break;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const since = await stat(takeover).catch(() => undefined);
    const isAbandoned = since !== undefined && Date.now() - since.mtimeMs > TAKEOVER_TIMEOUT_MS;
    if (isAbandoned || Date.now() > deadline) await rmdir(takeover).catch(() => undefined);
    await delay(TAKEOVER_POLL_MS);
  }
  try {
    const owner = await readOwner(path);
    if (owner === undefined || (owner !== "unreadable" && (await isAlive(owner)))) return;
    await unlink(path);
  } finally {
    await rmdir(takeover).catch(() => undefined);
  }
}

/**
 * Makes this process the single owner of a data directory, by a file `codewise.lock` in it that names the process. The
 * lock of a process that has died is taken over. Returns the release. Throws GatewayError `conflict` while another
 * process (or this one, already) owns the directory.
 */
export async function lockDataDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, "codewise.lock");
  const own: Owner = { pid: process.pid, startTicks: await readStartTicks(process.pid) };
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (;;) {
      try {
        // Linked into place, so that nobody ever reads a lock that is half written.
        await link(draft, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if (!hasCode(error, "EEXIST")) throw error;
      }
      const owner = await readOwner(path);
      if (owner !== undefined && owner !== "unreadable" && (await isAlive(owner))) {
        throw new GatewayError("conflict", `The data directory is in use by process ${owner.pid}.`);
      }
      await removeStaleLock(path);
    }
  } finally {
    await rm(draft, { force: true });
  }
}
