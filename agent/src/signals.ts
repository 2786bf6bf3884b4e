/** What ends the process, and that no CLI outlives it. */
import type { CliExecutor } from "../../src/lib/cli/types.ts";
import { EXIT, signalExitCode } from "./exit-codes.ts";
import { describeFailure } from "./http-client.ts";
import type { AgentLogger } from "./logger.ts";

export interface SignalOptions {
  /** What runs and must not be left behind. */
  readonly processes: Pick<CliExecutor, "running" | "killAll">;
  readonly logger: AgentLogger;
  /** The first signal. */
  readonly onDrain: (reason: string) => void;
}

export interface SignalHandlers {
  /** Set once everything is being killed: a drain that ends by it must not pass for a good one. */
  forcedExitCode(): number | undefined;
  /** Takes the handlers away. */
  remove(): void;
}

const KILL_WAIT_MS = 2000;

/**
 * Drains at the first SIGINT, SIGTERM or SIGHUP; kills every CLI and exits at once at the second, and at an error that
 * nobody caught.
 */
export function installSignalHandlers({ processes, logger, onDrain }: SignalOptions): SignalHandlers {
  let received: "none" | "drain" | "kill" = "none";
  let forcedExitCode: number | undefined;

  const killAndExit = (exitCode: number): void => {
    if (received === "kill") return;
    received = "kill";
    forcedExitCode = exitCode;
    const exit = (): void => {
      clearTimeout(timer);
      process.exit(exitCode);
    };
    const timer = setTimeout(exit, KILL_WAIT_MS);
    processes.killAll().then(exit, exit);
  };

  const onSignal = (signal: NodeJS.Signals): void => {
    if (received === "none") {
      received = "drain";
      onDrain(signal);
      return;
    }
    if (received === "drain") logger.warn("killing what runs", { signal, running: processes.running() });
    killAndExit(signalExitCode(signal));
  };

  const onError = (error: unknown): void => {
    logger.error("unexpected error", { error: describeFailure(error) });
    killAndExit(EXIT.failure);
  };

  // The last chance: the signals to the process groups leave before the promise is ever awaited.
  const onExit = (): void => {
    if (processes.running() > 0) void processes.killAll();
  };

  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  process.on("uncaughtException", onError);
  process.on("unhandledRejection", onError);
  process.on("exit", onExit);
  return {
    forcedExitCode: () => forcedExitCode,
    remove() {
      for (const signal of signals) process.off(signal, onSignal);
      process.off("uncaughtException", onError);
      process.off("unhandledRejection", onError);
      process.off("exit", onExit);
    },
  };
}
