import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AggregatorRegistry } from "prom-client";
import { expect, it } from "vitest";
import { createRequestEnd } from "../../test/request-end.ts";
import { createMetrics, renderMetrics, type Metrics } from "./metrics.ts";
import type { BreakerState } from "./state-metrics.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "observability.md"), "utf8");

function create(breakers?: () => readonly BreakerState[]): Metrics {
  return createMetrics({
    isListed: () => true,
    inFlight: () => 2,
    agents: () => ({ agents: [{ state: "ready", inFlight: 1, capacity: 4 }], queuedRequests: 3 }),
    breakers,
    logRows: () => ({ written: 7, dropped: 1 }),
    logLinesDropped: () => 5,
    eventLoop: { delay: () => ({ p50: 0.001, p99: 0.002, max: 0.25 }), utilization: () => 0.5, stop: () => undefined },
    version: "1.2.3",
  });
}

it("are those that docs/observability.md lists, with the same types and labels", async () => {
  const { registry, requests } = create(() => [{ target: "openai", state: "open" }]);
  requests.attempt("openai");
  requests.ended(createRequestEnd({ record: { errorCode: "upstream_error", status: 502 } }));
  const described = (await registry.getMetricsAsJSON()).map((metric) => {
    const names = metric.values.flatMap(({ labels }) => Object.keys(labels)).filter((name) => name !== "le");
    return `${metric.name} ${String(metric.type)} ${[...new Set(names)].toSorted().join(",")}`;
  });
  const listed = [...page.matchAll(/^\| `(\w+)`\s*\| (\w+)\s*\| ([^|]*)\|/gm)].map(
    ([, name, type, labels = ""]) => `${name} ${type} ${labels.trim().split(", ").toSorted().join(",")}`,
  );
  expect(listed.toSorted()).toEqual(described.toSorted());
});

it("show the state of agents, breakers, logs and the event loop", async () => {
  const { registry } = create(() => [{ target: "openai", state: "half_open" }]);
  const lines = (await renderMetrics(registry)).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "codewise_requests_in_flight 2",
      "codewise_queue_requests 3",
      'codewise_agents{state="ready"} 1',
      'codewise_agents{state="resuming"} 0',
      "codewise_agent_requests 1",
      "codewise_agent_capacity 4",
      'codewise_breaker_state{target="openai",state="half_open"} 1',
      'codewise_breaker_state{target="openai",state="closed"} 0',
      "codewise_log_rows_written_total 7",
      "codewise_log_rows_dropped_total 1",
      "codewise_log_lines_dropped_total 5",
      'codewise_event_loop_delay_seconds{quantile="1"} 0.25',
      "codewise_event_loop_utilization 0.5",
      'codewise_build_info{version="1.2.3"} 1',
    ]),
  );
});

it("of several processes are put together: sums, but the worst delay and the average utilization", async () => {
  const parts = await Promise.all([create(), create()].map(({ registry }) => registry.getMetricsAsJSON()));
  const lines = (await AggregatorRegistry.aggregate(parts).metrics()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "codewise_requests_in_flight 4",
      "codewise_log_rows_written_total 14",
      'codewise_event_loop_delay_seconds{quantile="1"} 0.25',
      "codewise_event_loop_utilization 0.5",
      'codewise_build_info{version="1.2.3"} 1',
    ]),
  );
});
