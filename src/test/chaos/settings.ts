/** Which runs are wanted, from the environment, and the short clocks that they share. */

const number = (name: string): number | undefined => {
  const value = process.env[name];
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} must be a whole number`);
  return Number(value);
};

const DEFAULT_RUNS = 2000;
/** Every fiftieth seed is played by real processes; the others by agents in this process. */
const PROCESS_EVERY = 50;

/** A seed that was asked for by itself. */
export const ONLY_SEED = number("CHAOS_SEED");
export const RUNS = ONLY_SEED === undefined ? (number("CHAOS_RUNS") ?? DEFAULT_RUNS) : 1;
/** With fewer runs, chance may leave out a kind of fault. */
export const EXPECTS_EVERY_FAULT = RUNS >= DEFAULT_RUNS;

const seeds = ONLY_SEED === undefined ? Array.from({ length: RUNS }, (_value, index) => index + 1) : [ONLY_SEED];
export const PROCESS_SEEDS = seeds.filter((seed) => seed % PROCESS_EVERY === 0);
const NETWORK_SEEDS = seeds.filter((seed) => seed % PROCESS_EVERY !== 0);
/** The network runs are played by so many processes side by side. */
const SHARDS = 2;
/** The seeds of one of them, from 0. */
export function networkSeeds(shard: number): readonly number[] {
  return NETWORK_SEEDS.filter((_seed, index) => index % SHARDS === shard);
}

/** The number of a process run, from 0. */
export function processIndex(seed: number): number {
  return Math.floor(seed / PROCESS_EVERY) - 1;
}

/** All in milliseconds. */
export const CLOCKS = {
  pingIntervalMs: 200,
  resumeGraceMs: 400,
  queueWaitMs: 2000,
  firstOutputMs: 2500,
  idleMs: 2500,
  requestMs: 12_000,
} as const;

/** Silence of 2.5 ping intervals, noticed at the next ping, and the grace. */
export const LOST_AFTER_MS = 3.5 * CLOCKS.pingIntervalMs + CLOCKS.resumeGraceMs;

/** What a request may take beyond its deadline on a busy machine, in milliseconds. */
export const BOUND_MARGIN_MS = 3000;

export const PROXY_ENV: Record<string, string> = {
  AGENT_PING_INTERVAL_MS: String(CLOCKS.pingIntervalMs),
  AGENT_RESUME_GRACE_MS: String(CLOCKS.resumeGraceMs),
  AGENT_QUEUE_WAIT_MS: String(CLOCKS.queueWaitMs),
  FIRST_OUTPUT_TIMEOUT_MS: String(CLOCKS.firstOutputMs),
  IDLE_TIMEOUT_MS: String(CLOCKS.idleMs),
  REQUEST_TIMEOUT_MS: String(CLOCKS.requestMs),
};

/** Awaits a condition that nothing announces. Answers whether it came true in time. */
export async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

/** Runs `work` for every item, so many at a time. */
export async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item, lane: number) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const lanes = Array.from({ length: width }, async (_value, lane) => {
    for (const item of queue) await work(item, lane);
  });
  await Promise.all(lanes);
}
