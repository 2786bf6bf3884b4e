import type { CallTimeouts } from "../types.ts";
import { GatewayError } from "../../http/errors.ts";
import { timeoutError } from "./http-errors.ts";

/** The four clocks of one request. At most one calls back, and once; after {@link HttpDeadlines.clear} none does. */
export interface HttpDeadlines {
  /** The connection stands: ends the connect clock. */
  connected(): void;
  /** Real output came: ends the first-output clock and winds the idle clock. */
  output(): void;
  /** The reader is slow, which is not the upstream's fault: stops the idle clock until the next `resumed`. */
  paused(): void;
  resumed(): void;
  clear(): void;
}

/** Node's longest timer, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Starts the connect, first-output and total clocks. `Infinity` switches a clock off. All four share one timer, which is
 * set for the earliest end and looks again when it fires, so that output costs no more than noting the time.
 */
export function startDeadlines(timeouts: CallTimeouts, onTimeout: (error: GatewayError) => void): HttpDeadlines {
  const startedAt = performance.now();
  const totalEnd = startedAt + timeouts.totalMs;
  let isConnected = false;
  let isPaused = false;
  let lastOutputAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let firesAt = NEVER;

  function connectEnd(): number {
    return isConnected ? NEVER : startedAt + timeouts.connectMs;
  }

  function outputEnd(): number {
    if (lastOutputAt === undefined) return startedAt + timeouts.firstOutputMs;
    return isPaused ? NEVER : lastOutputAt + timeouts.idleMs;
  }

  /** Sets the timer unless it fires early enough already. */
  function arm(): void {
    const end = Math.min(connectEnd(), outputEnd(), totalEnd);
    if (end >= firesAt || end === NEVER) return;
    clearTimeout(timer);
    firesAt = end;
    timer = setTimeout(check, Math.min(Math.max(end - performance.now(), 0), MAX_TIMER_MS));
  }

  function check(): void {
    firesAt = NEVER;
    // A timer may fire a fraction of a millisecond early.
    const now = performance.now() + 1;
    const error = findExpired(now);
    if (error === undefined) arm();
    else onTimeout(error);
  }

  function findExpired(now: number): GatewayError | undefined {
    if (totalEnd <= now) return deadlineError();
    if (connectEnd() <= now) return timeoutError("connecting to the upstream", { unsent: true });
    if (outputEnd() > now) return undefined;
    return timeoutError(
      lastOutputAt === undefined ? "waiting for the upstream's first output" : "waiting for the upstream's next output",
    );
  }

  arm();
  return {
    connected() {
      isConnected = true;
    },
    output() {
      const isFirst = lastOutputAt === undefined;
      lastOutputAt = performance.now();
      if (isFirst) arm();
    },
    paused() {
      isPaused = true;
    },
    resumed() {
      if (!isPaused) return;
      isPaused = false;
      if (lastOutputAt === undefined) return;
      lastOutputAt = performance.now();
      arm();
    },
    clear() {
      clearTimeout(timer);
      firesAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** The request's time is spent, here as at the gateway: no other target could serve it any more. */
function deadlineError(): GatewayError {
  return new GatewayError("deadline_exceeded", "The request took longer than it may.");
}
