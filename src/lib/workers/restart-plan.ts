const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;
/** A worker that lived this long has not failed at its start. */
const HEALTHY_MS = 10_000;
const MAX_FAILURES_IN_A_ROW = 6;

/** When a worker is started again, or that it is hopeless. */
export interface RestartPlan {
  /** After the death of a worker that lived so long: the wait before the next one, in milliseconds; undefined to give up. */
  afterDeath(livedMs: number): number | undefined;
}

/** Waits 100 ms after the first death, and twice as long after each that follows soon; six in a row are a crash loop. */
export function createRestartPlan(): RestartPlan {
  let failures = 0;
  return {
    afterDeath(livedMs) {
      if (livedMs >= HEALTHY_MS) failures = 0;
      failures += 1;
      if (failures >= MAX_FAILURES_IN_A_ROW) return undefined;
      return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
    },
  };
}
