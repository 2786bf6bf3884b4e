/** CPU time and memory of a process and all its descendants, read from Linux's `/proc`. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux reports CPU time in units of USER_HZ, which is 100 on every platform Node runs on: one tick is 10 ms. */
const MICROSECONDS_PER_TICK = 10_000;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** utime + stime: of all threads, ended ones too. */
  readonly ticks: number;
}

/** Parses `/proc/<pid>/stat` (proc(5)). The command's name may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat {
  const nameEnd = text.lastIndexOf(")");
  const fields = text.slice(nameEnd + 2).split(" ");
  const field = (index: number): number => {
    const value = Number(fields[index]);
    if (!Number.isFinite(value) || nameEnd < 0) throw new Error(`not a line of /proc/<pid>/stat: ${text}`);
    return value;
  };
  return { pid: Number.parseInt(text, 10), parent: field(1), ticks: field(11) + field(12) };
}

/** Parses the resident size in bytes out of `/proc/<pid>/status`; 0 where there is none (a zombie, a kernel thread). */
export function parseResidentBytes(text: string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
}

/** The processes of a tree, its root first. */
export function selectTree(processes: readonly ProcessStat[], root: number): ProcessStat[] {
  const found = processes.filter(({ pid }) => pid === root);
  for (const { pid } of found) found.push(...processes.filter(({ parent }) => parent === pid));
  return found;
}

/** CPU time so far, in microseconds, in steps of 10 ms. */
export interface CpuTime {
  /** Of the whole tree: worker threads, helper threads and child processes. */
  readonly tree: number;
  /** Of the root's main thread alone, where its event loop runs. */
  readonly mainThread: number;
}

/** @throws Error when there is no such process */
export function readCpuTime(root: number): CpuTime {
  const tree = selectTree(readProcesses(), root);
  if (tree.length === 0) throw new Error(`process ${root} is gone`);
  const ticks = tree.reduce((sum, process) => sum + process.ticks, 0);
  const main = parseStat(readFileSync(`/proc/${root}/task/${root}/stat`, "utf8"));
  return { tree: ticks * MICROSECONDS_PER_TICK, mainThread: main.ticks * MICROSECONDS_PER_TICK };
}

/** Resident bytes of a process and its descendants, pages they share counted for each. */
export function readResidentBytes(root: number): number {
  const sizes = selectTree(readProcesses(), root).map(({ pid }) => tryRead(`/proc/${pid}/status`));
  return sizes.reduce((sum, text) => sum + parseResidentBytes(text ?? ""), 0);
}

function readProcesses(): ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const texts = pids.map((pid) => tryRead(`/proc/${pid}/stat`));
  return texts.filter((text) => text !== undefined).map((text) => parseStat(text));
}

/** A process may end between the listing and the reading. */
function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
