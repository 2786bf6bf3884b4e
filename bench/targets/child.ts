import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  /** Milliseconds from spawn until it said that it listens. */
  readonly startedInMs: number;
  readonly stop: () => Promise<void>;
}

export interface ServerCommand {
  readonly name: string;
  readonly program: string;
  readonly parameters: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Where its stderr goes; read when it does not start. */
  readonly logFile: string;
}

/**
 * Starts a server that prints `listens on <url>`. Its environment is the given one and what a program needs to be found;
 * nothing else of ours reaches it.
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child = spawn(command.program, command.parameters, {
    cwd: command.directory,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", NODE_ENV: "production", ...command.env },
    stdio: ["ignore", "pipe", openSync(command.logFile, "a")],
  });
  const url = await readUrl(child, command);
  const startedInMs = performance.now() - startedAt;
  if (child.pid === undefined) throw new Error(`${command.name} has no process id`);
  return { pid: child.pid, url, startedInMs, stop: () => stopChild(child) };
}

async function readUrl(child: ChildProcess, { name, logFile }: ServerCommand): Promise<string> {
  const found = Promise.withResolvers<string>();
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    output = (output + part).slice(-4000);
    const url = /listens on (\S+)/.exec(output)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  child.once("error", found.reject);
  child.once("exit", (code) =>
    found.reject(new Error(`${name} ended with ${code} before it listened; see ${logFile}`)),
  );
  const timer = setTimeout(
    () => found.reject(new Error(`${name} did not listen in time; see ${logFile}`)),
    START_TIMEOUT_MS,
  );
  try {
    return await found.promise;
  } catch (error) {
    await stopChild(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await once(child, "exit");
  clearTimeout(timer);
}
