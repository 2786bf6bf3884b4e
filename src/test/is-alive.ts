import { readFileSync } from "node:fs";

/** Whether a process runs. One that has ended but was not collected by its parent yet (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    // No /proc here, or it ended just now; where it ended, the next call tells.
    return true;
  }
}
