/** Which process a spool belongs to, so that a living one's is never touched. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export interface SpoolOwner {
  /** Names this process for as long as the machine runs: letters, digits and `-`. */
  readonly key: string;
  /** Whether the process that a key names still lives. */
  isAlive(key: string): boolean;
}

/**
 * This process. On Linux a key is the process id and its start (field 22 of `/proc/<pid>/stat`, proc(5)) with the
 * machine's boot, so that a number that is given out again is not taken for the same process; elsewhere it is the
 * process id alone, and a number that was given out again keeps a spool from being taken up. A process that waits only
 * for its parent to read its end is dead.
 */
export function thisProcess(): SpoolOwner {
  return { key: ownerKey(process.pid, startOf(process.pid)), isAlive };
}

function isAlive(key: string): boolean {
  const pid = Number(/^\d{1,10}/.exec(key)?.[0] ?? 0);
  if (pid === 0) return false;
  const start = startOf(pid);
  if (start !== undefined || process.platform === "linux") return start !== undefined && ownerKey(pid, start) === key;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function ownerKey(pid: number, start: string | undefined): string {
  const mark = start === undefined ? "0" : createHash("sha256").update(start).digest("hex").slice(0, 16);
  return `${pid}-${mark}`;
}

/** Boot and start of a process; undefined where there is none that lives, or no way to know. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, started] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || started === undefined) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${pid} ${started}`;
  } catch {
    return undefined;
  }
}
