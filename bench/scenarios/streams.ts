import { cpuFigures, measureLoad } from "./measure-load.ts";
import type { Scenario } from "./types.ts";

export const streamScenarios: readonly Scenario[] = [
  {
    name: "stream",
    title: "100 streams, a chunk every 10 ms each (10,000 chunks/s)",
    kinds: ["streams"],
    columns: [
      { key: "cpu", label: "CPU us/chunk", digits: 1, ratioTo: "floor" },
      { key: "mainCpu", label: "main thread", digits: 1, ratioTo: "floor" },
      { key: "rate", label: "chunks/s", digits: 0 },
      { key: "ttft50", label: "TTFT p50 ms", digits: 2, over: "direct" },
      { key: "ttft99", label: "TTFT p99 ms", digits: 1, over: "direct" },
      { key: "delay50", label: "delay p50 ms", digits: 2, over: "direct" },
      { key: "delay99", label: "delay p99 ms", digits: 1, over: "direct" },
      { key: "client", label: "client core", digits: 2 },
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
        client: result.ownCpu / 1e6 / result.seconds,
      };
    },
  },
];
