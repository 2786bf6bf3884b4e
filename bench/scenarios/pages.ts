import { runPages } from "../load/run-load.ts";
import { measureLoad } from "./measure-load.ts";
import type { Scenario } from "./types.ts";

const RATE = 500;
const PAGES_PER_SECOND = 20;
const WARMUP_SECONDS = 1;
/** Percentiles of so few requests need a longer look. */
const LEAST_SECONDS = 5;

export const pagesScenario: Scenario = {
  name: "pages",
  title: "500 requests a second (open loop) without, and with 20 dashboard page loads a second with all their files",
  targets: ["codewise"],
  kinds: ["whole"],
  rounds: 2,
  columns: [
    { key: "idle50", label: "p50 ms without", digits: 2 },
    { key: "idle99", label: "p99 ms without", digits: 2 },
    { key: "busy50", label: "p50 ms with", digits: 2 },
    { key: "busy99", label: "p99 ms with", digits: 2 },
    { key: "ratio99", label: "p99 ratio", digits: 2 },
    { key: "pages", label: "pages/s", digits: 1 },
    { key: "files", label: "files a page", digits: 0 },
  ],
  measure: async (measurement) => {
    const seconds = Math.max(LEAST_SECONDS, measurement.seconds);
    const shape = {
      kind: "whole",
      warmupSeconds: WARMUP_SECONDS,
      connections: 64,
      rate: RATE,
      promptBytes: 64,
    } as const;
    const idle = await measureLoad({ ...measurement, seconds }, shape);
    const { url } = measurement.target;
    const [busy, pages] = await Promise.all([
      measureLoad({ ...measurement, seconds }, shape),
      runPages({ url, rate: PAGES_PER_SECOND, seconds: seconds + WARMUP_SECONDS }),
    ]);
    return {
      idle50: idle.latency.p50,
      idle99: idle.latency.p99,
      busy50: busy.latency.p50,
      busy99: busy.latency.p99,
      ratio99: busy.latency.p99 / idle.latency.p99,
      pages: pages.pages / pages.seconds,
      files: pages.files / pages.pages,
    };
  },
};
