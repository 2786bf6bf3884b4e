import type { Limiter, Verdict } from "./types.ts";

const RETRY_AFTER_MS = 1000;

/** Holds the requests of all keys together below a cap (0 for none), before the limits of each key are asked. */
export function limitInFlight(maxInFlight: number, keys: Limiter): Limiter {
  if (maxInFlight === 0) return keys;
  let inFlight = 0;

  const hold = (verdict: Verdict): Verdict => {
    if (!verdict.admitted) {
      inFlight -= 1;
      return verdict;
    }
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      inFlight -= 1;
      verdict.release();
    };
    return { admitted: true, release, quota: verdict.quota };
  };

  return {
    reserve(keyId) {
      if (inFlight >= maxInFlight) return { admitted: false, reason: "full", retryAfterMs: RETRY_AFTER_MS };
      inFlight += 1;
      const verdict = keys.reserve(keyId);
      return verdict instanceof Promise ? verdict.then(hold) : hold(verdict);
    },
  };
}
