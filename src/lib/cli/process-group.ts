import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that leads a group of its own, so that whatever it starts can be ended with it. */
export interface ProcessGroup {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The leader's end; others of the group may outlive it. */
  readonly exited: Promise<ProcessExit>;
  /**
   * Ends the whole group and resolves when it is gone: SIGTERM, then SIGKILL after `graceMs` (0: SIGKILL at once).
   * Safe to call again and after the end.
   */
  terminate(graceMs: number): Promise<void>;
}

export interface SpawnGroupOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Next's types demand NODE_ENV of every environment; a child's has what it is given. */
export function toProcessEnv(environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return environment as NodeJS.ProcessEnv;
}

const POLL_MS = 20;
/** How long a group that was sent SIGKILL is waited for; what is left then are zombies that nobody collects. */
const KILLED_WAIT_MS = 500;
/** The most that processes get which outlive their leader: they only helped it, and may be zombies too. */
const FOLLOWERS_GRACE_MS = 500;

/**
 * Starts a command as leader of a new session and group (POSIX `setsid`, by `detached`). Rejects with the system's
 * error, such as ENOENT, when it cannot be started.
 */
export async function spawnProcessGroup(
  command: string,
  commandArguments: readonly string[],
  options: SpawnGroupOptions,
): Promise<ProcessGroup> {
  const child = spawn(command, [...commandArguments], {
    cwd: options.cwd,
    env: toProcessEnv(options.environment),
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  // A pipe whose far end is gone is told by the exit; without listeners it would end this process.
  child.stdin.on("error", () => {});
  child.stdout.on("error", () => {});
  child.stderr.on("error", () => {});
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error]: unknown[] = await once(child, "error");
    throw error;
  }
  child.on("error", () => {});

  let gone = false;
  let leaderExited = false;
  void exited.then(() => {
    leaderExited = true;
  });

  /** Sends to the group; false when no process of it is left. The number is never used again then. */
  const signalGroup = (signal: NodeJS.Signals | 0): boolean => {
    if (gone) return false;
    try {
      if (process.platform === "win32") return leaderExited ? false : child.kill(signal);
      return process.kill(-pid, signal);
    } catch {
      gone = leaderExited;
      return !gone;
    }
  };

  const waitUntilGone = async (limitMs: number): Promise<boolean> => {
    let end = performance.now() + limitMs;
    await Promise.race([exited, wait(limitMs, undefined, { ref: false })]);
    if (leaderExited) end = Math.min(end, performance.now() + FOLLOWERS_GRACE_MS);
    while (signalGroup(0)) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await wait(Math.min(POLL_MS, left));
    }
    gone = true;
    return true;
  };

  const terminate = async (graceMs: number): Promise<void> => {
    if (leaderExited && !signalGroup(0)) return;
    if (graceMs > 0) {
      signalGroup("SIGTERM");
      if (await waitUntilGone(graceMs)) return;
    }
    signalGroup("SIGKILL");
    await waitUntilGone(KILLED_WAIT_MS);
  };

  return { pid, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited, terminate };
}
