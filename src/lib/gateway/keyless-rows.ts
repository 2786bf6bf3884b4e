import type { RequestRecord } from "../usage/record.ts";

const BURST = 20;
const PER_SECOND = 1;

/**
 * Lets rows of requests without a valid key through at one a second (twenty at once), so that whoever has no key cannot
 * fill the log or push everything else out of the dashboard. Rows with a key always pass.
 */
export function createKeylessRowBudget(
  now: () => number = () => performance.now(),
): (record: RequestRecord) => boolean {
  let tokens = BURST;
  let filledAt = now();
  return (record) => {
    if (record.keyId !== null) return true;
    const time = now();
    tokens = Math.min(BURST, tokens + ((time - filledAt) / 1000) * PER_SECOND);
    filledAt = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
