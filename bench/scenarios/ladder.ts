import { cpuFigures, measureLoad } from "./measure-load.ts";
import type { Figures, Measurement, Scenario } from "./types.ts";

const STEPS = [25, 50, 75, 100, 150, 200, 250, 300, 350, 400, 500, 600, 700, 800] as const;
const FIRST_STEP = 100;
const GAP_MS = 10;
const WARMUP_SECONDS = 1.5;
const LEAST_DELIVERED = 0.98;
const LONGEST_DELAY_MS = 16;
/** Another job of the machine may spoil one try. */
const TRIES = 2;

/** Figures of a step that was held. */
type Step = Figures;

/** Climbs from 100 streams, or down from there, to the most that are held. */
async function climb(measurement: Measurement): Promise<Figures> {
  const upwards = STEPS.filter((streams) => streams >= FIRST_STEP);
  let best: Step | undefined;
  for (const streams of upwards) {
    const step = await tryStep(measurement, streams);
    if (step === undefined) break;
    best = step;
  }
  const downwards = STEPS.filter((streams) => streams < FIRST_STEP).toReversed();
  for (const streams of best === undefined ? downwards : []) {
    best ??= await tryStep(measurement, streams);
  }
  return best ?? { streams: 0, rate: 0, delay99: Number.NaN, cpu: Number.NaN };
}

async function tryStep(measurement: Measurement, streams: number): Promise<Step | undefined> {
  for (let count = 0; count < TRIES; count += 1) {
    const shape = { kind: "streams", warmupSeconds: WARMUP_SECONDS, streams, chunks: 100_000, gapMs: GAP_MS } as const;
    const result = await measureLoad(measurement, shape);
    const delivered = result.chunks / ((streams * 1000 * result.seconds) / GAP_MS);
    if (delivered >= LEAST_DELIVERED && result.delay.p99 <= LONGEST_DELAY_MS) {
      const rate = result.chunks / result.seconds;
      return { ...cpuFigures(result, result.chunks), streams, rate, delay99: result.delay.p99 };
    }
  }
  return undefined;
}

export const ladderScenario: Scenario = {
  name: "ladder",
  title: "Most streams at 100 chunks/s each with 98 % delivered and a p99 delay of at most 16 ms",
  targets: ["direct", "floor", "codewise", "agent", "portkey", "litellm", "bifrost"],
  kinds: ["streams"],
  rounds: 1,
  columns: [
    { key: "streams", label: "streams", digits: 0 },
    { key: "rate", label: "chunks/s", digits: 0 },
    { key: "cpu", label: "CPU us/chunk", digits: 1 },
    { key: "delay99", label: "delay p99 ms", digits: 1 },
    { key: "client", label: "client cores", digits: 2 },
  ],
  measure: climb,
};
