import type { Registry } from "prom-client";
import type { EventLoopDelay } from "./event-loop-delay.ts";
import { registerCounter, registerGauge } from "./recorded-metrics.ts";

/** What the agents' manager tells, as far as it is shown here. */
export interface AgentsState {
  readonly agents: readonly { readonly state: string; readonly inFlight: number; readonly capacity: number }[];
  readonly queuedRequests: number;
}

export interface BreakerState {
  /** A provider, or one of its models: never more than the registry and its catalogues hold. */
  readonly target: string;
  readonly state: "closed" | "open" | "half_open";
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
const BREAKER_STATES = ["closed", "open", "half_open"] as const;
const MAX_BREAKERS = 200;

/** Registers what is true at the moment of a scrape. */
export function registerStateMetrics(registry: Registry, sources: StateSources): void {
  registerGauge(registry, {
    name: "codewise_requests_in_flight",
    help: "Chat requests that have arrived and not ended.",
    aggregator: "sum",
    read: sources.inFlight,
  });
  registerCounter(registry, {
    name: "codewise_log_rows_written_total",
    help: "Rows written to the request log.",
    read: () => sources.logRows().written,
  });
  registerCounter(registry, {
    name: "codewise_log_rows_dropped_total",
    help: "Rows of the request log that were lost.",
    read: () => sources.logRows().dropped,
  });
  registerCounter(registry, {
    name: "codewise_log_lines_dropped_total",
    help: "Log lines for which a reader that has stopped reading left no room.",
    read: sources.logLinesDropped,
  });
  registerGauge(registry, {
    name: "codewise_breaker_state",
    help: "1 for the state that the circuit breaker of a target is in, 0 for the others.",
    labelNames: ["target", "state"],
    aggregator: "sum",
    samples: () =>
      (sources.breakers?.() ?? [])
        .slice(0, MAX_BREAKERS)
        .flatMap(({ target, state }) =>
          BREAKER_STATES.map((possible) => [{ target, state: possible }, state === possible ? 1 : 0] as const),
        ),
  });
  registerGauge(registry, {
    name: "codewise_build_info",
    help: "Version of Codewise.",
    labelNames: ["version"],
    aggregator: "first",
    samples: () => [[{ version: sources.version }, 1]],
  });
  registerAgents(registry, sources.agents);
  registerEventLoop(registry, sources.eventLoop);
}

function registerAgents(registry: Registry, read: () => AgentsState): void {
  registerGauge(registry, {
    name: "codewise_queue_requests",
    help: "Requests that wait for a free agent.",
    aggregator: "sum",
    read: () => read().queuedRequests,
  });
  registerGauge(registry, {
    name: "codewise_agents",
    help: "Agents by state.",
    labelNames: ["state"],
    aggregator: "sum",
    samples: () => {
      const { agents } = read();
      return AGENT_STATES.map((state) => [{ state }, agents.filter((agent) => agent.state === state).length] as const);
    },
  });
  registerGauge(registry, {
    name: "codewise_agent_requests",
    help: "Requests that agents work on.",
    aggregator: "sum",
    read: () => sum(read().agents.map((agent) => agent.inFlight)),
  });
  registerGauge(registry, {
    name: "codewise_agent_capacity",
    help: "Requests that all agents together can work on at once.",
    aggregator: "sum",
    read: () => sum(read().agents.map((agent) => agent.capacity)),
  });
}

function registerEventLoop(registry: Registry, eventLoop: EventLoopDelay): void {
  registerGauge(registry, {
    name: "codewise_event_loop_delay_seconds",
    help: "How late timers were since the last scrape (of at least ten seconds): median, 99th percentile, maximum.",
    labelNames: ["quantile"],
    aggregator: "max",
    samples: () => {
      const { p50, p99, max } = eventLoop.delay();
      return [
        [{ quantile: "0.5" }, p50],
        [{ quantile: "0.99" }, p99],
        [{ quantile: "1" }, max],
      ];
    },
  });
  registerGauge(registry, {
    name: "codewise_event_loop_utilization",
    help: "Part of the time that the event loop was busy since the last scrape (of at least ten seconds), 0 to 1.",
    aggregator: "average",
    read: () => eventLoop.utilization(),
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
