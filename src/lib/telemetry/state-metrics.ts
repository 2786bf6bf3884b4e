import { Counter, Gauge, type Registry } from "prom-client";
import type { EventLoopDelay } from "./event-loop-delay.ts";

/** What the agents' manager tells, as far as it is shown here. */
export interface AgentsState {
  readonly agents: readonly { readonly state: string; readonly inFlight: number; readonly capacity: number }[];
  readonly queuedRequests: number;
}

export interface BreakerState {
  /** A provider, or one of its models: never more than the registry and its catalogues hold. */
  readonly target: string;
  readonly state: "closed" | "open" | "half-open";
}

/** Where the gauges come from; asked at a scrape only. */
export interface StateSources {
  readonly inFlight: () => number;
  readonly agents: () => AgentsState;
  readonly breakers?: (() => readonly BreakerState[]) | undefined;
  readonly logRows: () => { readonly written: number; readonly dropped: number };
  readonly logLinesDropped: () => number;
  readonly eventLoop: EventLoopDelay;
  readonly version: string;
}

const AGENT_STATES = ["connecting", "ready", "draining", "resuming"] as const;
const BREAKER_STATES = ["closed", "open", "half-open"] as const;
const MAX_BREAKERS = 200;

/** Registers what is true at the moment of a scrape. Of several processes the values add up unless said otherwise. */
export function registerStateMetrics(registry: Registry, sources: StateSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      aggregator: "sum",
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  gauge("codewise_requests_in_flight", "Chat requests that have arrived and not ended.", sources.inFlight);
  gauge("codewise_queue_requests", "Requests that wait for a free agent.", () => sources.agents().queuedRequests);
  gauge("codewise_agent_requests", "Requests that agents say they work on.", () =>
    sum(sources.agents().agents.map((agent) => agent.inFlight)),
  );
  gauge("codewise_agent_capacity", "Requests that all agents together can work on.", () =>
    sum(sources.agents().agents.map((agent) => agent.capacity)),
  );
  new Gauge({
    name: "codewise_agents",
    help: "Agents by state.",
    labelNames: ["state"],
    aggregator: "sum",
    registers,
    collect() {
      const { agents } = sources.agents();
      for (const state of AGENT_STATES) this.set({ state }, agents.filter((agent) => agent.state === state).length);
    },
  });
  counter("codewise_log_rows_written_total", "Rows written to the request log.", () => sources.logRows().written);
  counter(
    "codewise_log_rows_dropped_total",
    "Rows of the request log that were lost.",
    () => sources.logRows().dropped,
  );
  counter("codewise_log_lines_dropped_total", "Log lines that a blocked reader left no room for.", () =>
    sources.logLinesDropped(),
  );
  new Gauge({
    name: "codewise_breaker_state",
    help: "1 for the state that the circuit breaker of a target is in, 0 for the others.",
    labelNames: ["target", "state"],
    aggregator: "sum",
    registers,
    collect() {
      this.reset();
      for (const breaker of (sources.breakers?.() ?? []).slice(0, MAX_BREAKERS)) {
        for (const state of BREAKER_STATES) {
          this.set({ target: breaker.target, state }, breaker.state === state ? 1 : 0);
        }
      }
    },
  });
  new Gauge({
    name: "codewise_build_info",
    help: "Version of Codewise.",
    labelNames: ["version"],
    aggregator: "first",
    registers,
    collect() {
      this.set({ version: sources.version }, 1);
    },
  });
  registerEventLoop(registers, sources.eventLoop);
}

function registerEventLoop(registers: Registry[], eventLoop: EventLoopDelay): void {
  new Gauge({
    name: "codewise_event_loop_delay_seconds",
    help: "How late timers were since the last scrape (of at least ten seconds): median, 99th percentile and maximum.",
    labelNames: ["quantile"],
    aggregator: "max",
    registers,
    collect() {
      const { p50, p99, max } = eventLoop.delay();
      this.set({ quantile: "0.5" }, p50);
      this.set({ quantile: "0.99" }, p99);
      this.set({ quantile: "1" }, max);
    },
  });
  new Gauge({
    name: "codewise_event_loop_utilization",
    help: "Part of the time that the event loop was busy since the last scrape (of at least ten seconds), 0 to 1.",
    aggregator: "average",
    registers,
    collect() {
      this.set(eventLoop.utilization());
    },
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
