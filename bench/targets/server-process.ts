import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { waitForAnswer, waitForPort } from "./wait-for-server.ts";

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 10_000;
const SHOWN_LOG_CHARACTERS = 1500;

export interface ServerProcess {
  readonly pid: number;
  /** Origin. */
  readonly url: string;
  /** Milliseconds from spawn until the port was open; NaN where the port was not known before. */
  readonly listeningMs: number;
  /** Milliseconds from spawn until it said that it listens, or answered its first request. */
  readonly readyMs: number;
  readonly stop: () => Promise<void>;
}

export interface ServerCommand {
  readonly name: string;
  readonly program: string;
  readonly parameters: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Where its stderr goes; shown when it does not start. */
  readonly logFile: string;
  /** A line for its stdin. */
  readonly input?: string;
  /** The port it was told, where it was told one. */
  readonly port?: number;
  /** Ready when this path of `port` answers; left out: when it prints `listens on <url>`. */
  readonly readyPath?: string;
}

const living = new Set<ChildProcess>();

/** Ends every server that still runs, without waiting: for when the bench itself is told to end. */
export function killServers(): void {
  for (const child of living) child.kill("SIGKILL");
}

/**
 * Starts a server. Its environment is the given one and what a program needs to be found; nothing else of ours reaches it.
 *
 * @throws Error with the end of its log when it ends or is not ready in time
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const log = openSync(command.logFile, "a");
  const startedAt = performance.now();
  const child = spawn(command.program, command.parameters, {
    cwd: command.directory,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", NODE_ENV: "production", ...command.env },
    stdio: ["pipe", command.readyPath === undefined ? "pipe" : log, log],
  });
  closeSync(log);
  living.add(child);
  child.once("exit", () => living.delete(child));
  child.stdin?.on("error", () => undefined).end(command.input === undefined ? "" : `${command.input}\n`);
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(new Error("it was not ready in time")), START_TIMEOUT_MS);
  child.once("error", (error) => giveUp.abort(error));
  child.once("exit", (code) => giveUp.abort(new Error(`it ended with ${code}`)));
  const elapsed = (): number => performance.now() - startedAt;
  try {
    const { port } = command;
    const listening = port === undefined ? Number.NaN : waitForPort(port, giveUp.signal).then(elapsed);
    const url =
      command.readyPath === undefined || port === undefined
        ? await readUrl(child, giveUp.signal)
        : await waitForAnswer(`http://127.0.0.1:${port}`, command.readyPath, giveUp.signal);
    const readyMs = elapsed();
    if (child.pid === undefined) throw new Error("it has no process id");
    return { pid: child.pid, url, listeningMs: await listening, readyMs, stop: () => stopChild(child) };
  } catch (error) {
    await stopChild(child);
    const reason = error instanceof Error ? error.message : String(error);
    const end = readFileSync(command.logFile, "utf8").slice(-SHOWN_LOG_CHARACTERS);
    throw new Error(`${command.name} did not start: ${reason}\n${end}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function readUrl(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const found = Promise.withResolvers<string>();
  signal.addEventListener("abort", () => found.reject(signal.reason));
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    output = (output + part).slice(-4000);
    const url = /listens on (\S+)/.exec(output)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  return await found.promise;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
