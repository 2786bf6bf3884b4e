import { readdirSync, readFileSync } from "node:fs";

/** What the system says of a process (Linux only). */
export interface ProcessSample {
  /** Resident memory, bytes. */
  readonly rssBytes: number;
  /** Open file descriptors: sockets, files, pipes. */
  readonly descriptors: number;
  /** User and system time so far, seconds. */
  readonly cpuSeconds: number;
}

const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;

export function sampleProcess(pid: number): ProcessSample {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the program's name, which may hold spaces: fields 14 and 15 of proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    rssBytes: pages * PAGE_BYTES,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
