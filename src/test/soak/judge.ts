import { percentile } from "../percentile.ts";
import type { SoakResult } from "./run-soak.ts";

/** One line of the report. */
export interface Finding {
  readonly name: string;
  readonly value: string;
  /** Undefined where it is a fact without a bound. */
  readonly isGood?: boolean;
}

/** Memory is judged from this share of the run on: before, code is compiled and caches fill. */
const WARM_SHARE = 0.4;
const WINDOW_SHARE = 0.2;
const MAX_GROWTH = 0.05;
/** A shorter run ends while the heap is still finding its size: there growth is reported and only much of it fails. */
const JUDGED_FROM_SECONDS = 600;
const MAX_SHORT_GROWTH = 0.3;

const MIB = 1024 * 1024;

/** Judges a run: what is bounded, and by how much it kept within its bound. */
export function judgeSoak(result: SoakResult): readonly Finding[] {
  const { told, logged, samples, latencies } = result;
  const memory = samples.map(({ rssBytes }) => rssBytes);
  const early = percentile(windowOf(memory, WARM_SHARE), 0.5);
  const late = percentile(windowOf(memory, 1 - WINDOW_SHARE), 0.5);
  const growth = late / early - 1;
  const maxGrowth = result.seconds >= JUDGED_FROM_SECONDS ? MAX_GROWTH : MAX_SHORT_GROWTH;
  const waits = latencies.map(({ latencyMs }) => latencyMs);
  const [earlyWait, lateWait] = [0, 1 - WINDOW_SHARE].map((from) => percentile(windowOf(waits, from), 0.5));
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  return [
    { name: "time under load", value: `${result.seconds.toFixed(0)} s` },
    { name: "requests", value: String(result.requests) },
    { name: "… whose client left", value: share(result.left, result.requests) },
    { name: "… whose upstream failed", value: share(result.faults, result.requests) },
    {
      name: "answers that were not what they had to be",
      value: String(result.violations.length),
      isGood: result.violations.length === 0,
    },
    { name: "rows", value: String(logged.rows), isGood: logged.rows === result.requests },
    {
      name: "prompt tokens told / logged",
      value: `${told.promptTokens} / ${logged.promptTokens}`,
      isGood: told.promptTokens === logged.promptTokens,
    },
    {
      name: "completion tokens told / logged",
      value: `${told.completionTokens} / ${logged.completionTokens}`,
      isGood: told.completionTokens === logged.completionTokens,
    },
    {
      name: "memory under load, warm to end",
      value: `${mib(early)} to ${mib(late)}: ${(growth * 100).toFixed(1)} % (bound ${maxGrowth * 100} %)`,
      isGood: growth <= maxGrowth,
    },
    {
      name: "file descriptors when idle, before / after",
      value: `${result.idleBefore.descriptors} / ${result.idleAfter.descriptors}`,
      isGood: result.idleAfter.descriptors <= result.idleBefore.descriptors + 2,
    },
    {
      name: "connections to the upstream left",
      value: String(result.upstreamSockets),
      isGood: result.upstreamSockets === 0,
    },
    {
      name: "CPU of 3 idle seconds, before / after",
      value: `${(result.idleCpuBefore * 1000).toFixed(0)} ms / ${(result.idleCpuAfter * 1000).toFixed(0)} ms`,
      isGood: result.idleCpuAfter <= result.idleCpuBefore + 0.1,
    },
    {
      name: "first output p50, first fifth / last fifth",
      value: `${(earlyWait ?? 0).toFixed(1)} ms / ${(lateWait ?? 0).toFixed(1)} ms`,
      isGood: (lateWait ?? 0) <= (earlyWait ?? 0) * 1.5 + 5,
    },
    { name: "first output p99", value: `${percentile(waits, 0.99).toFixed(1)} ms` },
    { name: "exit code after SIGTERM", value: String(result.exitCode), isGood: result.exitCode === 0 },
  ];
}

function windowOf(values: readonly number[], from: number): readonly number[] {
  const start = Math.floor(values.length * from);
  return values.slice(start, start + Math.max(1, Math.ceil(values.length * WINDOW_SHARE)));
}

function share(part: number, whole: number): string {
  return `${part} (${((part / whole) * 100).toFixed(1)} %)`;
}
