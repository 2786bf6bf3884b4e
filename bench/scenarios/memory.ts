/** Resident memory: idle, with many open streams, and over a long time. */
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../measure/percentile.ts";
import { readResidentBytes } from "../measure/process-tree.ts";
import { measureLoad } from "./measure-load.ts";
import type { Scenario } from "./types.ts";

const MEGABYTE = 1024 * 1024;
/** A fresh server loads the dashboard and ends its start within this time. */
const SETTLE_MS = 4000;
const SAMPLE_MS = 5000;
/** Opening 2,000 streams, and what the runtime's collector makes of it, is no growth. */
const HOLD_WARMUP_SECONDS = 60;

export const memoryScenarios: readonly Scenario[] = [
  {
    name: "open",
    title: "Resident memory of a fresh process: idle, and with 1,000 open streams at a chunk a second",
    targets: ["floor", "codewise", "portkey", "litellm", "bifrost"],
    kinds: [],
    isFresh: true,
    rounds: 2,
    columns: [
      { key: "idle", label: "idle MB", digits: 0 },
      { key: "open", label: "1,000 open MB", digits: 0 },
      { key: "added", label: "added MB", digits: 0 },
      { key: "delay99", label: "delay p99 ms", digits: 1 },
    ],
    measure: async (measurement) => {
      await sleep(SETTLE_MS);
      const idle = readResidentBytes(measurement.target.pid) / MEGABYTE;
      const shape = { kind: "streams", warmupSeconds: 5, streams: 1000, chunks: 1000, gapMs: 1000 } as const;
      const result = await measureLoad({ ...measurement, seconds: 5 }, shape);
      const open = (result.resident[0] ?? Number.NaN) / MEGABYTE;
      return { idle, open, added: open - idle, delay99: result.delay.p99 };
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
