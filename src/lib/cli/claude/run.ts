import { GatewayError, withUsage } from "../../http/errors.ts";
import type { Usage } from "../../openai/usage.ts";
import { endOutputSoon } from "../end-output-soon.ts";
import { createLineSplitter, LineError } from "../line-splitter.ts";
import type { ProcessExit, ProcessGroup } from "../process-group.ts";
import { abortError, invalidOutput, mapSpawnError, toCliFailure } from "../run-errors.ts";
import type { CliExecution, CliOutcome, CliSink } from "../types.ts";
import type { ClientTools } from "./client-tools.ts";
import { createLineInterpreter, type AnswerEnd, type InterpretedStep } from "./interpret-lines.ts";
import { mapMissingResult } from "./map-failure.ts";
import { createStderrTail, secretValues } from "../sensitive.ts";
import { controlResponseLine, type StdinPlan } from "./stdin-lines.ts";
import { answerHostRequest } from "./tool-server.ts";
import { createWatchdog } from "../watchdog.ts";

export interface RunOptions {
  /** Gives the process: a new one, or one that waits already. Rejects with the system's error. */
  readonly start: () => Promise<ProcessGroup>;
  /** What the process sees: secrets among it are taken out of what it says on stderr. */
  readonly environment: Readonly<Record<string, string>>;
  readonly plan: StdinPlan;
  /** The client's tools, which the plan announces. */
  readonly tools: ClientTools | undefined;
  readonly droppedParams: readonly string[];
  readonly execution: CliExecution;
  readonly sink: CliSink;
  /** How long a process may outlive its result, and its output its end, in milliseconds. */
  readonly lingerMs: number;
  readonly onGone: (group: ProcessGroup) => void;
  /** Called for every piece of output. */
  readonly onOutput?: (() => void) | undefined;
}

type Ending =
  | { readonly type: "answer"; readonly end: AnswerEnd }
  | { readonly type: "failure"; readonly error: GatewayError; readonly usage: Usage | undefined };

/**
 * One process from its start to the end of its group. Resolves with the answer's honest end; rejects with CliFailure.
 * The group is gone either way.
 */
export async function runClaude(options: RunOptions): Promise<CliOutcome> {
  const { execution } = options;
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  if (execution.signal.aborted) throw abortError(execution.signal);

  let group: ProcessGroup;
  try {
    group = await options.start();
  } catch (error) {
    throw mapSpawnError(error);
  }
  const stderr = createStderrTail(secretValues(options.environment));
  group.stderr.setEncoding("utf8");
  group.stderr.on("data", (text: string) => stderr.push(text));

  const timings: { spawnMs: number | null; firstDeltaMs: number | null } = { spawnMs: null, firstDeltaMs: null };
  try {
    const ending = await readAnswer(group, options, timings, elapsed);
    if (ending.type === "failure") throw toCliFailure(withUsage(ending.error, ending.usage), stderr.read());
    await finish(group, ending.end, options.lingerMs);
    const { finishReason, usage, model, costUsd } = ending.end;
    return {
      finishReason,
      usage,
      usageSource: usage === undefined ? "none" : "cli",
      model,
      droppedParams: options.droppedParams,
      costUsd,
      timings: { ...timings, totalMs: elapsed() },
    };
  } finally {
    // At once: on SIGTERM the CLI was seen to send its next request first, and nothing that it could save is wanted.
    await group.terminate(0);
    group.stdin.destroy();
    group.stdout.destroy();
    group.stderr.destroy();
    options.onGone(group);
  }
}

/** Feeds the input, reads the output and hands the deltas on until the answer is whole or has failed. */
function readAnswer(
  group: ProcessGroup,
  options: RunOptions,
  timings: { spawnMs: number | null; firstDeltaMs: number | null },
  elapsed: () => number,
): Promise<Ending> {
  const { execution, sink, plan, tools } = options;
  return new Promise<Ending>((resolve) => {
    const splitter = createLineSplitter();
    const interpreter = createLineInterpreter({ ...plan, now: Date.now, tools });
    let waitingLines: string[] = [];
    let nextPiece = 0;
    let settled = false;
    let paused = false;
    let opened = false;
    let draining = false;
    let outputEnded = false;
    /** The output was closed by a process that lives on: it will never give a result. */
    let closedAlone = false;
    let exit: ProcessExit | undefined;

    const settle = (ending: Ending): void => {
      if (settled) return;
      settled = true;
      watchdog.stop();
      execution.signal.removeEventListener("abort", onAbort);
      group.stdout.pause();
      resolve(ending);
    };
    const fail = (error: GatewayError): void =>
      settle({ type: "failure", error, usage: error.usage ?? interpreter.usage() });
    const onAbort = (): void => fail(abortError(execution.signal));
    const watchdog = createWatchdog({ ...execution, onExpired: fail });

    const writeNext = (): void => {
      const piece = plan.pieces[nextPiece];
      nextPiece += 1;
      if (piece !== undefined) group.stdin.write(piece);
    };

    const answerHost = (requestId: string, request: unknown): void => {
      const response = answerHostRequest(requestId, request, tools);
      if (response !== undefined) group.stdin.write(controlResponseLine(response));
    };

    const open = (model: string): void => {
      if (opened) return;
      opened = true;
      sink.open({ model, droppedParams: options.droppedParams });
    };

    const resume = (): void => {
      if (!paused || settled) return;
      paused = false;
      watchdog.resume();
      drainLines();
      if (!paused) group.stdout.resume();
    };

    const take = (step: InterpretedStep): void => {
      switch (step.type) {
        case "input-taken":
          writeNext();
          return;
        case "asked-host":
          answerHost(step.requestId, step.request);
          return;
        case "progress":
          watchdog.progress();
          return;
        case "delta":
          watchdog.progress();
          open(step.model);
          timings.firstDeltaMs ??= elapsed();
          if (!sink.delta(step.delta) && !paused) {
            paused = true;
            watchdog.pause();
            group.stdout.pause();
            sink.onDrain(resume);
          }
          return;
        case "end":
          open(step.end.model);
          settle({ type: "answer", end: step.end });
          return;
      }
    };

    /** The steps of one line stay together: a line gives more than one delta only where a message came whole. */
    const drainLines = (): void => {
      // A sink may drain within `delta`; the loop below goes on by itself then.
      if (draining) return;
      draining = true;
      let index = 0;
      try {
        for (const line of waitingLines) {
          if (paused || settled) break;
          index += 1;
          for (const step of interpreter.push(line)) {
            if (!settled) take(step);
          }
        }
      } catch (error) {
        fail(toFailure(error));
      }
      draining = false;
      waitingLines = settled ? [] : waitingLines.slice(index);
      const isOver = outputEnded && (exit !== undefined || closedAlone);
      if (!settled && waitingLines.length === 0 && isOver) fail(mapMissingResult(exit));
    };

    group.stdout.on("data", (bytes: Buffer) => {
      if (settled) return;
      timings.spawnMs ??= elapsed();
      options.onOutput?.();
      try {
        const lines = splitter.push(bytes);
        if (lines.length > 0) waitingLines = waitingLines.length === 0 ? [...lines] : [...waitingLines, ...lines];
      } catch (error) {
        fail(toFailure(error));
      }
      drainLines();
    });
    group.stdout.once("close", () => {
      outputEnded = true;
      if (exit !== undefined) return drainLines();
      setTimeout(() => {
        closedAlone = true;
        drainLines();
      }, options.lingerMs).unref();
      return undefined;
    });
    void group.exited.then(async (ended) => {
      exit = ended;
      if (settled) return;
      // What the leader started must not hold its output open; what it wrote itself is still in the pipe.
      await group.terminate(options.lingerMs);
      endOutputSoon(group, () => paused, options.lingerMs);
      if (outputEnded) drainLines();
    });

    if (execution.signal.aborted) onAbort();
    else execution.signal.addEventListener("abort", onAbort, { once: true });
    writeNext();
  });
}

/**
 * Lets a process that ends by itself do so; one that lingers is ended. One that goes on is ended with SIGKILL: on SIGTERM
 * it was seen to send its next request within the 30 ms that it took to end, and that would be billed.
 */
async function finish(group: ProcessGroup, end: AnswerEnd, lingerMs: number): Promise<void> {
  if (!end.processEnds) return group.terminate(0);
  // What else it says is of no interest, but a full pipe would keep it from ending.
  group.stdout.removeAllListeners("data");
  group.stdout.resume();
  group.stdin.end();
  let timer: NodeJS.Timeout | undefined;
  const lingered = new Promise<"lingered">((resolve) => {
    timer = setTimeout(resolve, lingerMs, "lingered");
  });
  const ended = await Promise.race([group.exited, lingered]);
  clearTimeout(timer);
  // The answer is whole, so there is nothing that a grace could save.
  if (ended === "lingered") await group.terminate(0);
  return undefined;
}

function toFailure(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof LineError) {
    return invalidOutput(error.message);
  }
  return new GatewayError("server_error", "The CLI's output could not be handled.", { cause: error });
}
