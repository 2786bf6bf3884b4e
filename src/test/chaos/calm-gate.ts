/** Begins the next run only where this process keeps up: one that lags injects faults that nobody has planned. */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";

const SAMPLE_MS = 60;
/** Share of the time in which the event loop is busy; a machine that is shared makes it busier. */
const BUSY = 0.65;
/** After so many samples it begins in any case. */
const MAX_SAMPLES = 50;

/** A gate that lets one through at a time, when the event loop has been idle enough for a moment. */
export function createCalmGate(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.then(becomesCalm);
    return last;
  };
}

async function becomesCalm(): Promise<void> {
  for (let sample = 0; sample < MAX_SAMPLES; sample += 1) {
    const before = performance.eventLoopUtilization();
    await wait(SAMPLE_MS);
    if (performance.eventLoopUtilization(before).utilization < BUSY) return;
  }
}
