/** Resident memory: fresh, idle after some load, with many open streams, and over a long time. */
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../measure/percentile.ts";
import { readResidentBytes } from "../measure/process-tree.ts";
import { measureLoad, type LoadShape } from "./measure-load.ts";
import type { Measurement, Scenario } from "./types.ts";

const MEGABYTE = 1024 * 1024;
/** A fresh server loads the dashboard and ends its start within this time. */
const SETTLE_MS = 4000;
/** 800 small requests and 40 to 80 short streams: what makes the runtime compile, and grow its young generation, once. */
const LIGHT_LOAD: readonly { readonly seconds: number; readonly shape: LoadShape }[] = [
  { seconds: 4, shape: { kind: "whole", warmupSeconds: 0, connections: 16, rate: 200, promptBytes: 64 } },
  { seconds: 1, shape: { kind: "streams", warmupSeconds: 0, streams: 40, chunks: 20, gapMs: 50 } },
];
const SAMPLE_MS = 5000;
/** Opening 2,000 streams, and what the runtime's collector makes of it, is no growth. */
const HOLD_WARMUP_SECONDS = 60;

export const memoryScenarios: readonly Scenario[] = [
  {
    name: "open",
    title:
      "Resident memory: fresh and idle, idle again after a light load, and then with 1,000 open streams at a chunk a second",
    targets: ["floor", "codewise", "portkey", "litellm", "bifrost"],
    kinds: [],
    isFresh: true,
    rounds: 2,
    columns: [
      { key: "idle", label: "fresh idle MB", digits: 0 },
      { key: "warm", label: "idle after load MB", digits: 0 },
      { key: "open", label: "1,000 open MB", digits: 0 },
      { key: "added", label: "added to idle after load MB", digits: 0 },
      { key: "delay99", label: "delay p99 ms", digits: 1 },
    ],
    measure: async (measurement) => {
      await sleep(SETTLE_MS);
      const idle = readResidentBytes(measurement.target.pid) / MEGABYTE;
      const warm = await residentAfterLightLoad(measurement);
      const shape = { kind: "streams", warmupSeconds: 5, streams: 1000, chunks: 1000, gapMs: 1000 } as const;
      const result = await measureLoad({ ...measurement, seconds: 5 }, shape);
      const open = (result.resident[0] ?? Number.NaN) / MEGABYTE;
      return { idle, warm, open, added: open - warm, delay99: result.delay.p99 };
    },
  },
  {
    name: "hold",
    title: "2,000 streams held for ten minutes at a chunk a second: growth from the second minute to the last",
    targets: ["codewise"],
    kinds: [],
    isFresh: true,
    isOptional: true,
    rounds: 1,
    columns: [
      { key: "early", label: "early MB", digits: 0 },
      { key: "late", label: "late MB", digits: 0 },
      { key: "growth", label: "growth MB", digits: 1 },
      { key: "delay99", label: "delay p99 ms", digits: 1 },
    ],
    measure: async (measurement) => {
      const { holdSeconds } = measurement;
      const chunks = holdSeconds + 10 * HOLD_WARMUP_SECONDS;
      const shape = {
        kind: "streams",
        warmupSeconds: HOLD_WARMUP_SECONDS,
        streams: 2000,
        chunks,
        gapMs: 1000,
      } as const;
      const samples: number[] = [];
      const timer = setInterval(() => samples.push(readResidentBytes(measurement.target.pid) / MEGABYTE), SAMPLE_MS);
      try {
        const result = await measureLoad({ ...measurement, seconds: holdSeconds }, shape);
        const minute = Math.ceil(60_000 / SAMPLE_MS);
        const early = median(samples.slice(minute, 2 * minute));
        const late = median(samples.slice(-minute));
        return { early, late, growth: late - early, delay99: result.delay.p99 };
      } finally {
        clearInterval(timer);
      }
    },
  },
];

/** Megabytes with nothing open, a moment after {@link LIGHT_LOAD}. */
async function residentAfterLightLoad({ target }: Measurement): Promise<number> {
  for (const { seconds, shape } of LIGHT_LOAD) await measureLoad({ target, seconds }, shape);
  await sleep(SETTLE_MS);
  return readResidentBytes(target.pid) / MEGABYTE;
}
