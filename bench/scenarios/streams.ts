/** Streamed scenarios at a fixed number of streams. */
import { cpuFigures, measureLoad } from "./measure-load.ts";
import type { Column, Scenario } from "./types.ts";

const DELAY_COLUMNS: readonly Column[] = [
  { key: "delay50", label: "delay p50 ms", digits: 2, over: "direct" },
  { key: "delay99", label: "delay p99 ms", digits: 1, over: "direct" },
];
const CPU_COLUMNS: readonly Column[] = [
  { key: "cpu", label: "CPU us/chunk", digits: 1, ratioTo: "floor" },
  { key: "mainCpu", label: "main thread", digits: 1, ratioTo: "floor" },
];

export const streamScenarios: readonly Scenario[] = [
  {
    name: "stream",
    title: "100 streams, a chunk every 10 ms each (10,000 chunks/s)",
    targets: ["direct", "floor", "codewise", "codewise-bare", "agent", "portkey", "litellm", "bifrost"],
    kinds: ["streams"],
    columns: [
      ...CPU_COLUMNS,
      { key: "rate", label: "chunks/s", digits: 0 },
      { key: "ttft50", label: "TTFT p50 ms", digits: 2, over: "direct" },
      { key: "ttft99", label: "TTFT p99 ms", digits: 1, over: "direct" },
      ...DELAY_COLUMNS,
      { key: "client", label: "client cores", digits: 2 },
    ],
    measure: async (measurement) => {
      const shape = { kind: "streams", warmupSeconds: 1.5, streams: 100, chunks: 100, gapMs: 10 } as const;
      const result = await measureLoad(measurement, shape);
      return {
        ...cpuFigures(result, result.chunks),
        rate: result.chunks / result.seconds,
        ttft50: result.latency.p50,
        ttft99: result.latency.p99,
        delay50: result.delay.p50,
        delay99: result.delay.p99,
      };
    },
  },
  {
    name: "deltas",
    title: "Agent path at its limit: 40 streams, a delta every millisecond each offered (40,000/s)",
    targets: ["direct", "agent"],
    kinds: ["streams"],
    rounds: 2,
    columns: [
      { key: "rate", label: "deltas/s", digits: 0 },
      { key: "cpu", label: "CPU us/delta", digits: 1 },
      ...DELAY_COLUMNS,
      { key: "client", label: "client cores", digits: 2 },
    ],
    measure: async (measurement) => {
      const shape = { kind: "streams", warmupSeconds: 1, streams: 40, chunks: 100_000, gapMs: 1 } as const;
      const result = await measureLoad(measurement, shape);
      return {
        ...cpuFigures(result, result.chunks),
        rate: result.chunks / result.seconds,
        delay50: result.delay.p50,
        delay99: result.delay.p99,
      };
    },
  },
];
