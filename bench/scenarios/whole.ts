/** Non-streamed scenarios. */
import type { TargetName } from "../targets/index.ts";
import { cpuFigures, measureLoad } from "./measure-load.ts";
import type { Column, Scenario } from "./types.ts";

interface WholeShape {
  readonly name: string;
  readonly title: string;
  readonly targets?: readonly TargetName[];
  readonly connections: number;
  readonly rate?: number;
  readonly promptBytes?: number;
}

const SMALL_PROMPT_BYTES = 64;
const WARMUP_SECONDS = 1;
const TARGETS: readonly TargetName[] = ["direct", "floor", "codewise"];
const PEERS: readonly TargetName[] = ["portkey", "litellm", "bifrost"];
const ALL: readonly TargetName[] = [...TARGETS, ...PEERS];

const CPU_COLUMNS: readonly Column[] = [
  { key: "cpu", label: "CPU us/req", digits: 1, ratioTo: "floor" },
  { key: "mainCpu", label: "main thread", digits: 1, ratioTo: "floor" },
];
const COLUMNS: readonly Column[] = [
  ...CPU_COLUMNS,
  { key: "rate", label: "req/s", digits: 0 },
  { key: "p50", label: "p50 ms", digits: 3, over: "direct" },
  { key: "p99", label: "p99 ms", digits: 2, over: "direct" },
  { key: "client", label: "client cores", digits: 2 },
];

function wholeScenario({
  name,
  title,
  targets = ALL,
  promptBytes = SMALL_PROMPT_BYTES,
  ...load
}: WholeShape): Scenario {
  return {
    name,
    title,
    targets,
    kinds: ["whole"],
    columns: COLUMNS,
    measure: async (measurement) => {
      const shape = { kind: "whole", warmupSeconds: WARMUP_SECONDS, promptBytes, ...load } as const;
      const result = await measureLoad(measurement, shape);
      return {
        ...cpuFigures(result, result.answered),
        rate: result.answered / result.seconds,
        p50: result.latency.p50,
        p99: result.latency.p99,
      };
    },
  };
}

export const wholeScenarios: readonly Scenario[] = [
  wholeScenario({
    name: "small",
    title: "Small JSON, 64 connections, closed loop",
    targets: [...TARGETS, "codewise-bare", "codewise-2", ...PEERS],
    connections: 64,
  }),
  wholeScenario({
    name: "many",
    title: "Small JSON, 256 connections, closed loop",
    targets: [...TARGETS, "codewise-2"],
    connections: 256,
  }),
  wholeScenario({ name: "single", title: "Small JSON, 1 connection", connections: 1 }),
  wholeScenario({
    name: "open300",
    title: "Small JSON, open loop, 300 requests a second",
    targets: TARGETS,
    connections: 64,
    rate: 300,
  }),
  wholeScenario({
    name: "open1000",
    title: "Small JSON, open loop, 1000 requests a second",
    connections: 64,
    rate: 1000,
  }),
  wholeScenario({
    name: "large",
    title: "200 KB request bodies, 8 connections",
    connections: 8,
    promptBytes: 200 * 1024,
  }),
];
