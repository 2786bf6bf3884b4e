import type { Limiter, Verdict } from "../limits/types.ts";
import type { HomeLine } from "./home-line.ts";
import type { PlaceVerdict } from "./messages.ts";

/** A home that takes longer is away. */
const WAIT_MS = 2000;
const AWAY: Verdict = { admitted: false, reason: "away", retryAfterMs: 1000 };

interface Asked {
  readonly place: number;
  readonly keyId: string;
  readonly resolve: (verdict: Verdict) => void;
}

/**
 * Asks the home for places under the limits of keys, all of one turn of the event loop in one message, and gives them
 * back likewise (where they are held: a limit per minute gives nothing back). A home that does not answer lets nobody
 * in: a limit that opens under stress protects nothing.
 */
export function createHomeLimiter(
  line: Pick<HomeLine, "ask" | "tell">,
  { holdsPlaces }: { readonly holdsPlaces: boolean },
): Limiter {
  let places = 0;
  let asked: Asked[] = [];
  let released: number[] = [];
  let isScheduled = false;

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(send);
  };

  const send = (): void => {
    isScheduled = false;
    if (released.length > 0) line.tell({ codewise: "release", places: released });
    released = [];
    const batch = asked;
    asked = [];
    if (batch.length > 0) void ask(batch);
  };

  const release = (place: number): void => {
    if (!holdsPlaces) return;
    released.push(place);
    schedule();
  };

  const ask = async (batch: readonly Asked[]): Promise<void> => {
    try {
      const question = batch.map(({ place, keyId }) => ({ place, keyId }));
      const verdicts = await line.ask({ kind: "reserve", places: question }, WAIT_MS);
      for (const [index, { place, resolve }] of batch.entries()) {
        resolve(toVerdict(verdicts[index], () => release(place)));
      }
    } catch {
      // The home may have given the places after all.
      for (const { place, resolve } of batch) {
        release(place);
        resolve(AWAY);
      }
    }
  };

  return {
    reserve: (keyId) =>
      new Promise((resolve) => {
        places += 1;
        asked.push({ place: places, keyId, resolve });
        schedule();
      }),
  };
}

function toVerdict(answer: PlaceVerdict | undefined, release: () => void): Verdict {
  if (answer === undefined) return AWAY;
  const { admitted, reason = "away", retryAfterMs = 1000, quota } = answer;
  const known = quota === undefined ? {} : { quota };
  return admitted ? { admitted, release, ...known } : { admitted, reason, retryAfterMs, ...known };
}
