import type { Registry } from "prom-client";
import { registerCounter, registerGauge } from "./recorded-metrics.ts";

const MICROSECONDS = 1e6;

const MEMORY = [
  ["process_resident_memory_bytes", "rss", "Resident memory size in bytes."],
  ["nodejs_heap_size_total_bytes", "heapTotal", "Process heap size from Node.js in bytes."],
  ["nodejs_heap_size_used_bytes", "heapUsed", "Process heap size used from Node.js in bytes."],
  ["nodejs_external_memory_bytes", "external", "Node.js external memory size in bytes."],
] as const;

/**
 * The process metrics that dashboards expect, under the names that `prom-client` gives them and read at a scrape only.
 * Its `collectDefaultMetrics` is not used: it cannot be had without a second event-loop monitor (10 ms: 0.4 % of a core),
 * an observer of every garbage collection, and a synchronous listing of all open files at each scrape.
 */
export function registerProcessMetrics(registry: Registry): void {
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  registerCounter(registry, {
    name: "process_cpu_user_seconds_total",
    help: "User CPU time spent in seconds.",
    read: () => process.cpuUsage().user / MICROSECONDS,
  });
  registerCounter(registry, {
    name: "process_cpu_system_seconds_total",
    help: "System CPU time spent in seconds.",
    read: () => process.cpuUsage().system / MICROSECONDS,
  });
  registerCounter(registry, {
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent in seconds.",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / MICROSECONDS;
    },
  });
  registerGauge(registry, {
    name: "process_start_time_seconds",
    help: "Start of the process in seconds since the epoch.",
    aggregator: "min",
    read: () => startedAt,
  });
  for (const [name, key, help] of MEMORY) {
    registerGauge(registry, { name, help, aggregator: "sum", read: () => process.memoryUsage()[key] });
  }
  registerGauge(registry, {
    name: "nodejs_version_info",
    help: "Node.js version.",
    labelNames: ["version"],
    aggregator: "first",
    samples: () => [[{ version: process.version }, 1]],
  });
}
