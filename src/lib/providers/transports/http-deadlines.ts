import type { CallTimeouts } from "../types.ts";
import { GatewayError } from "../../http/errors.ts";
import { timeoutError } from "./http-errors.ts";

/** The four clocks of one request. Each calls back at most once; after {@link HttpDeadlines.clear} none does. */
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

/** Starts the connect, first-output and total clocks. `Infinity` switches a clock off. */
export function startDeadlines(timeouts: CallTimeouts, onTimeout: (error: GatewayError) => void): HttpDeadlines {
  let connect = start(timeouts.connectMs, () => timeoutError("connecting to the upstream"));
  let firstOutput = start(timeouts.firstOutputMs, () => timeoutError("waiting for the upstream's first output"));
  const total = start(timeouts.totalMs, deadlineError);
  let idle: NodeJS.Timeout | undefined;
  let outputSeen = false;
  let isPaused = false;

  function start(milliseconds: number, createError: () => GatewayError): NodeJS.Timeout | undefined {
    if (milliseconds === Number.POSITIVE_INFINITY) return undefined;
    const bounded = Math.min(Math.max(milliseconds, 0), MAX_TIMER_MS);
    return setTimeout(() => onTimeout(createError()), bounded);
  }

  function windIdle(): void {
    if (isPaused) return;
    // refresh() re-arms the timer in place: this runs once per chunk.
    if (idle === undefined) idle = start(timeouts.idleMs, () => timeoutError("waiting for the upstream's next output"));
    else idle.refresh();
  }

  function stopIdle(): void {
    clearTimeout(idle);
    idle = undefined;
  }

  return {
    connected() {
      clearTimeout(connect);
      connect = undefined;
    },
    output() {
      outputSeen = true;
      if (firstOutput !== undefined) {
        clearTimeout(firstOutput);
        firstOutput = undefined;
      }
      windIdle();
    },
    paused() {
      isPaused = true;
      stopIdle();
    },
    resumed() {
      isPaused = false;
      if (outputSeen) windIdle();
    },
    clear() {
      for (const timer of [connect, firstOutput, total]) clearTimeout(timer);
      stopIdle();
    },
  };
}

/** The request's time is spent, here as at the gateway: no other target could serve it any more. */
function deadlineError(): GatewayError {
  return new GatewayError("deadline_exceeded", "The request took longer than it may.");
}
