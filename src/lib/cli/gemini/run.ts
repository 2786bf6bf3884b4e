import { randomUUID } from "node:crypto";
import type { ProcessExit, ProcessGroup } from "../process-group.ts";
import { endOutputSoon } from "../end-output-soon.ts";
import { createStderrTail, secretValues } from "../sensitive.ts";
import { abortError, toCliFailure } from "../run-errors.ts";
import type { CliExecution, CliOutcome, CliSink } from "../types.ts";
import { createWatchdog } from "../watchdog.ts";
import { modelLine, loadLine, promptLine } from "./acp.ts";
import { telemetryPath } from "./environment.ts";
import { createLineInterpreter, type InterpretedStep, type PromptReply } from "./interpret-lines.ts";
import { createLineQueue } from "./line-queue.ts";
import { mapMissingReply } from "./map-failure.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import { writeSession, type PrivateHome } from "./private-home.ts";
import { readTelemetry } from "./read-telemetry.ts";
import { markText } from "./session-file.ts";
import { settleAnswer } from "./settle-answer.ts";

/** A process of the CLI that was told to initialize itself and waits for its one session. */
export interface WaitingProcess {
  readonly group: ProcessGroup;
  readonly home: PrivateHome;
}

export interface RunOptions {
  readonly process: WaitingProcess;
  /** What the process sees: secrets among it are taken out of what it says on stderr. */
  readonly environment: Readonly<Record<string, string>>;
  readonly request: PreparedRequest;
  readonly execution: CliExecution;
  readonly sink: CliSink;
  /** How long a process may take to end after its reply, in milliseconds. */
  readonly lingerMs: number;
  /** Called for what the CLI says in its session; not for its initialization. */
  readonly onSession: () => void;
  /** When the request was taken up, on the clock of `performance.now()`. */
  readonly startedAt: number;
}

interface Timings {
  spawnMs: number | null;
  firstDeltaMs: number | null;
}

/**
 * One session in one process, from the conversation's file to the telemetry that tells how the answer ended. The process
 * is ended, by SIGTERM after a reply, so that it writes that telemetry, and by the caller otherwise.
 *
 * @throws CliFailure
 */
export async function runGemini(options: RunOptions): Promise<CliOutcome> {
  const { request, sink } = options;
  const { group, home } = options.process;
  const stderr = createStderrTail(secretValues(options.environment));
  group.stderr.setEncoding("utf8");
  group.stderr.on("data", (text: string) => stderr.push(text));
  const timings: Timings = { spawnMs: null, firstDeltaMs: null };
  const elapsed = (): number => Math.round(performance.now() - options.startedAt);
  try {
    const sessionId = randomUUID();
    const mark = randomUUID();
    const servers = await writeSession(home, { ...request, sessionId, mark, timestamp: new Date().toISOString() });
    const lines = [
      loadLine(sessionId, home.workDirectory, servers),
      modelLine(sessionId, request.model),
      promptLine(sessionId, request.prompt),
    ];
    const reply = await readTurn(options, lines, markText(mark), timings, elapsed);
    // Its input stays open: at its end the CLI would begin to end itself too, beside what the signal makes it do.
    group.stdout.removeAllListeners("data");
    group.stdout.resume();
    await group.terminate(options.lingerMs);
    const telemetry = await readTelemetry(telemetryPath(home.path)).catch(() => undefined);
    const createId = (): string => `call_${randomUUID().replaceAll("-", "")}`;
    const settled = settleAnswer({ reply, telemetry, tools: request.tools, createId });
    const model = settled.model ?? request.model;
    if (timings.firstDeltaMs === null) sink.open({ model, droppedParams: request.droppedParams });
    for (const delta of settled.deltas) sink.delta(delta);
    return {
      finishReason: settled.finishReason,
      usage: settled.usage,
      usageSource: settled.usage === undefined ? "none" : "cli",
      model,
      droppedParams: request.droppedParams,
      costUsd: undefined,
      timings: { ...timings, totalMs: elapsed() },
    };
  } catch (error) {
    throw toCliFailure(error, stderr.read());
  }
}

/** Writes each line when the one before was taken, and hands the deltas on until the CLI's reply to the prompt. */
function readTurn(
  options: RunOptions,
  lines: readonly string[],
  mark: string,
  timings: Timings,
  elapsed: () => number,
): Promise<PromptReply> {
  const { execution, sink, request } = options;
  const { group } = options.process;
  return new Promise<PromptReply>((resolve, reject) => {
    const interpreter = createLineInterpreter({ markText: mark, hasTools: request.tools !== undefined });
    let nextLine = 0;
    let isSettled = false;
    let exit: ProcessExit | undefined;

    const settle = (end: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      watchdog.stop();
      execution.signal.removeEventListener("abort", onAbort);
      group.stdout.pause();
      end();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const onAbort = (): void => fail(abortError(execution.signal));
    const watchdog = createWatchdog({ ...execution, onExpired: fail });

    const writeNext = (): void => {
      const line = lines[nextLine];
      nextLine += 1;
      if (line !== undefined) group.stdin.write(line);
    };

    const take = (step: InterpretedStep): void => {
      switch (step.type) {
        case "next":
          if (nextLine > 0) options.onSession();
          writeNext();
          return;
        case "progress":
          watchdog.progress();
          return;
        case "delta":
          watchdog.progress();
          if (timings.firstDeltaMs === null) {
            timings.firstDeltaMs = elapsed();
            sink.open({ model: request.model, droppedParams: request.droppedParams });
          }
          if (!sink.delta(step.delta) && !queue.isPaused) {
            queue.pause();
            watchdog.pause();
            group.stdout.pause();
            sink.onDrain(resume);
          }
          return;
        case "reply":
          settle(() => resolve(step.reply));
          return;
      }
    };

    const queue = createLineQueue({
      take: (line) => {
        for (const step of interpreter.push(line)) if (!isSettled) take(step);
      },
      isDone: () => isSettled,
      onError: fail,
    });

    const resume = (): void => {
      if (!queue.isPaused || isSettled) return;
      watchdog.resume();
      queue.resume();
      if (!queue.isPaused) group.stdout.resume();
      failWhereOver();
    };

    let isOutputEnded = false;
    const failWhereOver = (): void => {
      if (!isSettled && isOutputEnded && queue.isEmpty) fail(mapMissingReply(exit));
    };

    group.stdout.on("data", (bytes: Buffer) => {
      if (isSettled) return;
      timings.spawnMs ??= elapsed();
      queue.push(bytes);
    });
    const onClosed = (): void => {
      const end = (): void => {
        isOutputEnded = true;
        failWhereOver();
      };
      // The exit tells more than the end of the output, and comes about with it.
      void Promise.race([group.exited, expiry(options.lingerMs)]).then(end);
    };
    // A process that ended while it waited has closed its output before anyone listened.
    if (group.stdout.closed) onClosed();
    else group.stdout.once("close", onClosed);
    void group.exited.then((ended) => {
      exit = ended;
      if (isSettled) return;
      // What the leader started must not hold its output open; what it wrote itself is still in the pipe.
      void group.terminate(options.lingerMs).then(() => endOutputSoon(group, () => queue.isPaused, options.lingerMs));
    });

    if (execution.signal.aborted) onAbort();
    else execution.signal.addEventListener("abort", onAbort, { once: true });
  });
}

function expiry(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
