import { GatewayError } from "../http/errors.ts";

export interface WatchdogOptions {
  readonly firstEventTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly deadlineMs: number;
  /** Called at most once, with the failure. */
  readonly onExpired: (error: GatewayError) => void;
}

/** The three clocks of one run. Starts at once with the first event's and the deadline's. */
export interface Watchdog {
  /** The model worked: from the first call on, silence is measured from the last. */
  progress(): void;
  /** The reader is slow, so silence is not the CLI's. */
  pause(): void;
  resume(): void;
  stop(): void;
}

export function createWatchdog(options: WatchdogOptions): Watchdog {
  const expire = (error: GatewayError): void => {
    stop();
    options.onExpired(error);
  };
  const deadline = setTimeout(() => {
    expire(new GatewayError("deadline_exceeded", `The request took longer than its ${options.deadlineMs} ms.`));
  }, options.deadlineMs);
  let silence: NodeJS.Timeout | undefined = setTimeout(() => {
    const message = `The CLI gave no answer within ${options.firstEventTimeoutMs} ms.`;
    expire(new GatewayError("upstream_timeout", message));
  }, options.firstEventTimeoutMs);
  let begun = false;
  let paused = false;

  const startSilence = (): void => {
    silence = setTimeout(() => {
      const message = `The CLI was silent for ${options.idleTimeoutMs} ms within its answer.`;
      // Part of the answer may have been given, but that is for the caller to know: nothing is failed over then anyway.
      expire(new GatewayError("upstream_timeout", message));
    }, options.idleTimeoutMs);
  };

  const stop = (): void => {
    clearTimeout(deadline);
    clearTimeout(silence);
  };

  return {
    progress() {
      if (begun) {
        // Cheaper than a new timer: one delta may come every millisecond.
        if (!paused) silence?.refresh();
        return;
      }
      begun = true;
      clearTimeout(silence);
      if (!paused) startSilence();
    },
    pause() {
      paused = true;
      if (begun) clearTimeout(silence);
    },
    resume() {
      paused = false;
      if (begun) startSilence();
    },
    stop,
  };
}
