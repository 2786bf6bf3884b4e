import { cpuFigures, measureLoad } from "./measure-load.ts";
import type { Column, Scenario } from "./types.ts";

interface WholeShape {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly rate?: number;
  readonly promptBytes: number;
}

const SMALL_PROMPT_BYTES = 64;
const WARMUP_SECONDS = 1;

const COLUMNS: readonly Column[] = [
  { key: "cpu", label: "CPU us/req", digits: 1, ratioTo: "floor" },
  { key: "mainCpu", label: "main thread", digits: 1, ratioTo: "floor" },
  { key: "rate", label: "req/s", digits: 0 },
  { key: "p50", label: "p50 ms", digits: 3, over: "direct" },
  { key: "p99", label: "p99 ms", digits: 2, over: "direct" },
  { key: "client", label: "client core", digits: 2 },
];

function wholeScenario({ name, title, ...shape }: WholeShape): Scenario {
  return {
    name,
    title,
    kinds: ["whole"],
    columns: COLUMNS,
    measure: async (measurement) => {
      const result = await measureLoad(measurement, { kind: "whole", warmupSeconds: WARMUP_SECONDS, ...shape });
      return {
        ...cpuFigures(result, result.answered),
        rate: result.answered / result.seconds,
        p50: result.latency.p50,
        p99: result.latency.p99,
        client: result.ownCpu / 1e6 / result.seconds,
      };
    },
  };
}

export const wholeScenarios: readonly Scenario[] = [
  wholeScenario({
    name: "small",
    title: "Small JSON, 64 connections, closed loop",
    connections: 64,
    promptBytes: SMALL_PROMPT_BYTES,
  }),
  wholeScenario({
    name: "single",
    title: "Small JSON, 1 connection",
    connections: 1,
    promptBytes: SMALL_PROMPT_BYTES,
  }),
  wholeScenario({
    name: "large",
    title: "200 KB request bodies, 8 connections",
    connections: 8,
    promptBytes: 200 * 1024,
  }),
];
