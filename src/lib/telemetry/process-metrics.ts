import { Counter, Gauge, type Registry } from "prom-client";

const MICROSECONDS = 1e6;

/**
 * The process metrics that dashboards expect, under the names that `prom-client` gives them and read at a scrape only.
 * Its `collectDefaultMetrics` is not used: it cannot be had without a second event-loop monitor, an observer of every
 * garbage collection, and a synchronous listing of all open files at each scrape.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  for (const [kind, help] of [
    ["user", "User CPU time spent in seconds."],
    ["system", "System CPU time spent in seconds."],
  ] as const) {
    new Counter({
      name: `process_cpu_${kind}_seconds_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(process.cpuUsage()[kind] / MICROSECONDS);
      },
    });
  }
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / MICROSECONDS);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start of the process in seconds since the epoch.",
    aggregator: "min",
    registers,
    collect() {
      this.set(startedAt);
    },
  });
  registerMemory(registers);
  new Gauge({
    name: "nodejs_version_info",
    help: "Node.js version.",
    labelNames: ["version"],
    aggregator: "first",
    registers,
    collect() {
      this.set({ version: process.version }, 1);
    },
  });
}

function registerMemory(registers: Registry[]): void {
  const memory = [
    ["process_resident_memory_bytes", "rss", "Resident memory size in bytes."],
    ["nodejs_heap_size_total_bytes", "heapTotal", "Process heap size from Node.js in bytes."],
    ["nodejs_heap_size_used_bytes", "heapUsed", "Process heap size used from Node.js in bytes."],
    ["nodejs_external_memory_bytes", "external", "Node.js external memory size in bytes."],
  ] as const;
  for (const [name, key, help] of memory) {
    new Gauge({
      name,
      help,
      aggregator: "sum",
      registers,
      collect() {
        this.set(process.memoryUsage()[key]);
      },
    });
  }
}
