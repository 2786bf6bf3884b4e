import { GatewayError, withUsage } from "../../http/errors.ts";
import { abortError, toCliFailure } from "../run-errors.ts";
import type { CliExecution, CliOutcome, CliSink } from "../types.ts";
import { createWatchdog } from "../watchdog.ts";
import { cannotCarry } from "./client-tools.ts";
import { createTurnInterpreter, type TurnEnd, type TurnStep } from "./interpret-turn.ts";
import { openThread, type OpenedThread } from "./open-thread.ts";
import { OTHER_IMAGE_LIMITS, refuseLargeImages } from "./prepare-image.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import { createRetoldConversation } from "./retold-conversation.ts";
import { createStepQueue } from "./step-queue.ts";
import { createTurnControl } from "./turn-control.ts";
import type { Lease } from "./warm-server.ts";

export interface RunOptions {
  readonly acquire: (signal: AbortSignal) => Promise<Lease>;
  readonly request: PreparedRequest;
  readonly execution: CliExecution;
  readonly sink: CliSink;
  /** How long a turn may take to end when it was interrupted, in milliseconds. */
  readonly interruptMs: number;
  /** What is kept for a slow reader before the run fails, in UTF-16 units of the CLI's lines. */
  readonly maxQueuedBytes: number;
}

/** How long a conversation with images is waited for to be told again; 0.169.0 needs some milliseconds. */
const RETOLD_WAIT_MS = 1000;

/** After these the next request gets a process of its own, which reads the login anew. */
const LOGIN_CODES: ReadonlySet<string> = new Set(["cli_not_logged_in", "upstream_unauthorized"]);

/**
 * One request on a thread of its own, which nothing else ever uses. Resolves with the answer's honest end; rejects with
 * GatewayError. The turn is over either way: interrupted where it was not, and its process given up where it did not obey.
 */
export async function runCodex(options: RunOptions): Promise<CliOutcome> {
  const { execution, request } = options;
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  const timings: { spawnMs: number | null; firstDeltaMs: number | null } = { spawnMs: null, firstDeltaMs: null };
  const stop = new AbortController();
  const watchdog = createWatchdog({ ...execution, onExpired: (error) => stop.abort(error) });
  const signal = AbortSignal.any([execution.signal, stop.signal]);
  let lease: Lease | undefined;
  try {
    lease = await options.acquire(signal);
    timings.spawnMs = elapsed();
    const { server } = lease;
    const thread = await openThread(server, request, lease.workDirectory, signal);
    try {
      if (!lease.fullDetailModels.has(thread.model)) refuseLargeImages(request.images, OTHER_IMAGE_LIMITS);
      const onFirstDelta = (): void => {
        timings.firstDeltaMs ??= elapsed();
      };
      const { finishReason, usage } = await takeTurn({ ...options, lease, thread, signal, watchdog, onFirstDelta });
      return {
        finishReason,
        usage,
        usageSource: usage === undefined ? "none" : "cli",
        model: thread.model,
        droppedParams: request.droppedParams,
        costUsd: undefined,
        timings: { ...timings, totalMs: elapsed() },
      };
    } finally {
      // Nobody waits for it: the process forgets the thread by itself then.
      server.call("thread/unsubscribe", { threadId: thread.threadId }, new AbortController().signal).catch(() => {});
    }
  } catch (error) {
    const failure = toCliFailure(error, lease?.server.readStderr());
    if (LOGIN_CODES.has(failure.code)) lease?.retire();
    throw failure;
  } finally {
    watchdog.stop();
    await lease?.release();
  }
}

interface TurnRun extends RunOptions {
  readonly lease: Lease;
  readonly thread: OpenedThread;
  readonly signal: AbortSignal;
  readonly watchdog: ReturnType<typeof createWatchdog>;
  readonly onFirstDelta: () => void;
}

/** Gives the thread the conversation, reads its one turn and hands the deltas on. */
async function takeTurn(run: TurnRun): Promise<TurnEnd> {
  const { request, sink, watchdog, signal, lease, thread } = run;
  const { server } = lease;
  const { threadId, model } = thread;
  const outcome = Promise.withResolvers<TurnEnd>();
  // It may settle before anyone waits for it.
  outcome.promise.catch(() => {});
  const turn = createTurnControl(server, threadId);
  const interpreter = createTurnInterpreter({
    clientNames: request.clientNames,
    isSingleCall: request.isSingleCall,
    stop: request.stop,
    now: Date.now,
    rateLimits: () => server.rateLimits,
  });
  const retold = createRetoldConversation({ items: request.items.length, images: request.images.length });
  let isOpened = false;
  let end: TurnEnd;

  const open = (): void => {
    if (isOpened) return;
    isOpened = true;
    sink.open({ model, droppedParams: request.droppedParams });
  };
  const fail = (error: GatewayError): void => {
    queue.close();
    outcome.reject(withUsage(error, interpreter.usage()));
  };
  const queue = createStepQueue<TurnStep>({
    maxBytes: run.maxQueuedBytes,
    onOverflow: () => fail(new GatewayError("client_too_slow", "The answer was not read fast enough.")),
    take: (step) => {
      switch (step.type) {
        case "delta":
          open();
          run.onFirstDelta();
          return sink.delta(step.delta);
        case "end":
          open();
          outcome.resolve(step.end);
          return true;
        case "failure":
          fail(step.error);
          return true;
        case "progress":
          return true;
      }
      return true;
    },
    onPause: () => {
      watchdog.pause();
      sink.onDrain(() => queue.resume());
    },
    onResume: () => watchdog.resume(),
  });

  const takeStep = (step: TurnStep, bytes: number): void => {
    watchdog.progress();
    // At once, however slowly the answer is read: what the CLI does by itself is to end.
    if (step.type === "failure" && step.isUnsafe) {
      fail(step.error);
      server.lose(new GatewayError("cli_crashed", "The CLI was ended for what it did in another request."));
    }
    if ((step.type === "end" || step.type === "failure") && step.isOpen) turn.interrupt();
    queue.push(step, bytes);
  };

  const onAbort = (): void => fail(abortError(signal));
  const stopListening = server.listen(threadId, {
    onMessage(method, params, bytes) {
      turn.note(method, params);
      // Before its turn a thread only tells the conversation again.
      if (!turn.isStarted) {
        retold.push(method, params);
        return;
      }
      try {
        for (const step of interpreter.push(method, params)) takeStep(step, bytes);
      } catch (error) {
        // Of this request's reader: no reason to end what others wait for.
        fail(new GatewayError("server_error", "The CLI's output could not be handled.", { cause: error }));
      }
    },
    onLost: fail,
  });
  try {
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) throw abortError(signal);
    await server.call("thread/inject_items", { threadId, items: request.items }, signal);
    await retold.whole(RETOLD_WAIT_MS);
    if (signal.aborted) throw abortError(signal);
    if (retold.countLostImages() > 0) throw cannotCarry("messages", "The CLI could not decode an image");
    turn.start({ outputSchema: request.outputSchema }).catch(fail);
    end = await outcome.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    queue.close();
    // Where it does not obey, its process is ended with this request or with the last of those that are on it.
    if (!(await turn.end(run.interruptMs))) lease.retire();
    stopListening();
  }
  // A response may become complete while its turn is ended, as where a stop text is its last.
  return { ...end, usage: end.usage ?? interpreter.usage() };
}
