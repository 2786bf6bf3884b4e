import type { AgentManager } from "./agent/manager.ts";
import type { Env } from "./env.ts";
import type { CallGate } from "./gateway/call-gate.ts";
import { createListedModels } from "./gateway/listed-models.ts";
import type { ProviderRegistry } from "./providers/index.ts";
import { startEventLoopDelay } from "./telemetry/event-loop-delay.ts";
import type { LogDestination } from "./telemetry/log-destination.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import { createRequestLog } from "./telemetry/request-log.ts";
import type { RequestTelemetry, Tracing } from "./telemetry/request-telemetry.ts";
import type { BreakerState } from "./telemetry/state-metrics.ts";
import type { LogWriter } from "./usage/log-writer.ts";
import { VERSION } from "./version.ts";

export interface ObservabilityOptions {
  readonly env: Pick<Env, "LOG_LEVEL" | "LOG_REQUESTS" | "METRICS_ENABLED">;
  readonly logDestination: LogDestination;
  readonly registry: ProviderRegistry;
  readonly gate: Pick<CallGate, "active">;
  readonly manager: Pick<AgentManager, "status">;
  readonly logWriter: Pick<LogWriter, "written" | "dropped">;
  readonly breakers?: () => readonly BreakerState[];
  readonly tracing: Tracing | undefined;
}

export interface Observability {
  readonly metrics: Metrics;
  readonly telemetry: RequestTelemetry;
  /** Sends what traces wait. Never rejects. */
  close(): Promise<void>;
}

/** Wires metrics, the lines of the request log and traces to their sources. */
export function createObservability(options: ObservabilityOptions): Observability {
  const { env, logDestination, registry, gate, manager, logWriter, breakers, tracing } = options;
  const eventLoop = startEventLoopDelay();
  const metrics = createMetrics({
    isListed: createListedModels(registry),
    inFlight: () => gate.active(),
    agents: () => manager.status(),
    logRows: () => logWriter,
    logLinesDropped: () => logDestination.dropped(),
    breakers,
    eventLoop,
    version: VERSION,
  });
  const counts = env.METRICS_ENABLED;
  const logs = env.LOG_REQUESTS && ["info", "debug", "trace"].includes(env.LOG_LEVEL);
  const logRequest = logs ? createRequestLog(logDestination) : undefined;
  return {
    metrics,
    telemetry: {
      attempt: (provider) => {
        if (counts) metrics.requests.attempt(provider);
      },
      ended: (end) => {
        if (counts) metrics.requests.ended(end);
        logRequest?.(end);
      },
      tracer: tracing,
    },
    close: async () => {
      eventLoop.stop();
      await tracing?.close();
    },
  };
}
