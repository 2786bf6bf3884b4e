import { monitorEventLoopDelay, performance, type EventLoopUtilization } from "node:perf_hooks";

/** Milliseconds between two looks at the clock: 0.25 % of a core, and a block of 5 ms shows. */
const RESOLUTION_MS = 20;
/** Readings within this time belong together, so that two scrapers do not take each other's maximum away. */
const WINDOW_MS = 10_000;
const NANOSECONDS = 1e9;

export interface EventLoopReading {
  /** Seconds that a timer came late. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface EventLoopDelay {
  /** The delay since the window began: with the first reading ten seconds or more after it, the next one begins. */
  delay(): EventLoopReading;
  /** Part of the time that the event loop was busy, 0 to 1, over a window of its own. */
  utilization(): number;
  stop(): void;
}

/** Measures how late the event loop is, by `perf_hooks`, until `stop`. Does not keep the process alive. */
export function startEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let delayWindowAt = performance.now();
  let busyWindowAt = delayWindowAt;
  let busyAtWindow: EventLoopUtilization = performance.eventLoopUtilization();

  // What Node records is the time between two ticks of its timer: the resolution is no delay.
  const late = (nanoseconds: number): number =>
    histogram.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000);

  return {
    delay() {
      const reading = {
        p50: late(histogram.percentile(50)),
        p99: late(histogram.percentile(99)),
        max: late(histogram.max),
      };
      if (performance.now() - delayWindowAt >= WINDOW_MS) {
        histogram.reset();
        delayWindowAt = performance.now();
      }
      return reading;
    },
    utilization() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, busyAtWindow);
      if (performance.now() - busyWindowAt >= WINDOW_MS) {
        busyAtWindow = now;
        busyWindowAt = performance.now();
      }
      return utilization;
    },
    stop: () => histogram.disable(),
  };
}
