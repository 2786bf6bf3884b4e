import type { AdminRoutes } from "./admin/routes.ts";
import { guardStatus } from "./admin/guard-status.ts";
import { createAgentAuthenticator } from "./agent/authenticate.ts";
import type { AgentManager } from "./agent/manager.ts";
import { createAgentRoutes } from "./agent/routes.ts";
import type { Database } from "./db/client.ts";
import type { Env } from "./env.ts";
import type { CallGate } from "./gateway/call-gate.ts";
import { createChatCompletionsHandler } from "./gateway/chat-completions.ts";
import type { KeepAlive } from "./gateway/keep-alive.ts";
import type { Resilience } from "./gateway/resilience.ts";
import type { LoopGuard } from "./gateway/loop-guard.ts";
import { createGetModelHandler, createListModelsHandler } from "./gateway/models.ts";
import { BodyBudget } from "./http/body-budget.ts";
import { createReadyHandler, healthHandler } from "./http/health.ts";
import type { Route } from "./http/router.ts";
import type { KeyStore } from "./keys/key-store.ts";
import type { ProviderRegistry } from "./providers/index.ts";
import type { Logger } from "./telemetry/logger.ts";
import { createMetricsHandler, renderMetrics, type Metrics } from "./telemetry/metrics.ts";
import type { RequestTelemetry } from "./telemetry/request-telemetry.ts";
import type { LiveRequests } from "./usage/live-requests.ts";
import type { LogWriter } from "./usage/log-writer.ts";

export interface RouteParts {
  readonly env: Env;
  readonly registry: ProviderRegistry;
  readonly keyStore: KeyStore;
  readonly logWriter: LogWriter;
  readonly live: LiveRequests;
  readonly keepAlive: KeepAlive;
  readonly manager: AgentManager;
  readonly admin: AdminRoutes;
  readonly database: Database;
  readonly gate: CallGate;
  readonly loop: LoopGuard;
  readonly resilience: Resilience;
  readonly logger: Logger;
  readonly telemetry: RequestTelemetry;
  readonly metrics: Metrics;
}

/** Every path of the data plane. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  const { env, registry, keyStore, logWriter, live, keepAlive, manager, admin, database, gate, loop, logger } = parts;
  const { resilience, telemetry, metrics } = parts;
  const lookUpKey = (token: string) => keyStore.authenticate(token);
  const chatCompletions = createChatCompletionsHandler({
    registry,
    lookUpKey,
    record: (record) => logWriter.record(record),
    live,
    keepAlive,
    gate,
    logger,
    resilience,
    telemetry,
    maxBodyBytes: env.MAX_BODY_BYTES,
    bodies: new BodyBudget(env.BODY_MEMORY_BYTES),
    timeouts: {
      connectMs: env.UPSTREAM_CONNECT_TIMEOUT_MS,
      firstOutputMs: env.FIRST_OUTPUT_TIMEOUT_MS,
      idleMs: env.IDLE_TIMEOUT_MS,
      totalMs: env.REQUEST_TIMEOUT_MS,
    },
  });
  const models = { registry, lookUpKey };
  const guard = guardStatus({ lookUpKey, requireAdmin: (context) => admin.requireAdmin(context) });
  const showMetrics = createMetricsHandler(() => renderMetrics(metrics.registry));
  return [
    { method: "POST", path: "/v1/chat/completions", handler: loop.guard(chatCompletions) },
    { method: "GET", path: "/v1/models", handler: loop.guard(createListModelsHandler(models)) },
    { method: "GET", path: "/v1/models/{id...}", handler: loop.guard(createGetModelHandler(models)) },
    ...createAgentRoutes({
      manager,
      authenticateAgent: env.AGENT_SECRET === undefined ? undefined : createAgentAuthenticator(env.AGENT_SECRET),
      guardStatus: guard,
    }),
    ...admin.routes,
    { method: "GET", path: "/metrics", handler: env.METRICS_PUBLIC ? showMetrics : guard(showMetrics) },
    { method: "GET", path: "/healthz", handler: healthHandler, head: true },
    {
      method: "GET",
      path: "/readyz",
      head: true,
      handler: createReadyHandler({
        databaseReachable: () => database.isReachable(),
        draining: () => !gate.accepting(),
      }),
    },
  ];
}
