import { tmpdir } from "node:os";
import { absoluteCommand, CliHome } from "../cli-home.ts";
import type { CliExecutor } from "../types.ts";
import { baseEnvironment } from "./environment.ts";
import { probeCodex } from "./login-probe.ts";
import { openThread } from "./open-thread.ts";
import { DEFAULT_MODEL, prepareRequest } from "./prepare-request.ts";
import { modelListSchema } from "./protocol.ts";
import { runCodex } from "./run.ts";
import { startServer } from "./start-server.ts";
import { WarmServer, type Lease } from "./warm-server.ts";

export interface CodexExecutorOptions {
  /** Path of the `codex` program, or its name on PATH. */
  readonly command: string;
  /** Where private folders are made; default: the system's temporary folder. */
  readonly workDirectory?: string;
  /** Names of further variables that the CLI may see, such as the `env_key` of the owner's provider. */
  readonly passEnvironment: readonly string[];
  /** This process's environment, of which the CLI gets an allow-listed part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long the process stays without a request, in milliseconds. */
  readonly idleMs?: number;
  /** How many requests a process serves. */
  readonly maxRequests?: number;
  /** How long a turn may take to end when it was interrupted, in milliseconds. */
  readonly interruptMs?: number;
  /** What is kept of an answer for a slow reader, in characters of the CLI's lines. */
  readonly maxQueuedBytes?: number;
}

const IDLE_MS = 5 * 60_000;
/** The CLI's log database grows by some 31 kB a request (0.169.0) and goes with its process's folder only. */
const MAX_REQUESTS = 500;
const INTERRUPT_MS = 1000;
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

/**
 * Runs the `codex` CLI as a pure model: one warm `codex app-server` for all requests, each on an ephemeral thread of its
 * own, without tools but the client's (which it never runs), without the owner's instructions, MCP servers, hooks or
 * plugins, in an empty private folder. Its login is used by itself and never read here.
 *
 * Since one process serves many readers it is never paused for one: an answer that is not read is kept up to a bound, and
 * fails with `client_too_slow` beyond it. A process that ends fails what runs on it with `cli_crashed`; the next request
 * starts another. {@link CliExecutor.killAll} ends everything and removes the private folder; the executor may be used
 * again after it.
 */
export function createCodexExecutor(options: CodexExecutorOptions): CliExecutor {
  const command = absoluteCommand(options.command);
  const environment = baseEnvironment(options.environment, options.passEnvironment);
  const home = new CliHome(options.workDirectory);
  const start = (signal: AbortSignal) => startServer({ command, environment, home }, signal);
  const warm = new WarmServer({
    start,
    idleMs: options.idleMs ?? IDLE_MS,
    maxRequests: options.maxRequests ?? MAX_REQUESTS,
  });
  let models: readonly string[] = [DEFAULT_MODEL, "*"];

  /** On the process that serves, or on one for this only: to ask whether it could is no reason to keep one. */
  const tryThread = async (signal: AbortSignal): Promise<void> => {
    const lease = await warm.peek(signal);
    if (lease !== undefined) {
      try {
        return await tryOn(lease, signal);
      } finally {
        await lease.release();
      }
    }
    const started = await start(signal);
    try {
      return await tryOn(started, signal);
    } finally {
      await started.stop();
    }
  };

  const tryOn = async (
    { server, workDirectory }: Pick<Lease, "server" | "workDirectory">,
    signal: AbortSignal,
  ): Promise<void> => {
    const request = { model: undefined, tools: [], effort: undefined, verbosity: undefined };
    const { threadId } = await openThread(server, request, workDirectory, signal);
    const listed = await server.ask("model/list", {}, modelListSchema, signal);
    models = [DEFAULT_MODEL, ...listed.data.map(({ id }) => id), "*"];
    await server.call("thread/unsubscribe", { threadId }, signal);
  };

  return {
    name: "codex",
    probe: (signal) =>
      home.run(signal ?? new AbortController().signal, (stoppable) =>
        probeCodex({
          command,
          environment,
          workDirectory: options.workDirectory ?? tmpdir(),
          tryThread,
          signal: stoppable,
        }),
      ),
    models: () => models,
    execute: (execution, sink) =>
      home.run(execution.signal, async (signal) =>
        runCodex({
          acquire: (stoppable) => warm.acquire(stoppable),
          request: prepareRequest(execution.request, execution.model),
          execution: { ...execution, signal },
          sink,
          interruptMs: options.interruptMs ?? INTERRUPT_MS,
          maxQueuedBytes: options.maxQueuedBytes ?? MAX_QUEUED_BYTES,
        }),
      ),
    running: () => Math.max(0, home.running - warm.idle),
    waiting: () => warm.idle,
    killAll: () => home.close(() => warm.close()),
  };
}
