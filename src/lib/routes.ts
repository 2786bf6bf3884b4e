import type { AdminRoutes } from "./admin/routes.ts";
import { guardStatus } from "./admin/guard-status.ts";
import { createAgentAuthenticator } from "./agent/authenticate.ts";
import type { AgentManager } from "./agent/manager.ts";
import { createAgentRoutes } from "./agent/routes.ts";
import { createChatRoute } from "./chat-route.ts";
import type { Database } from "./db/client.ts";
import { createLoginRoutes, type LoginRoutesOptions } from "./enrolment/routes.ts";
import type { Env } from "./env.ts";
import type { CallGate } from "./gateway/call-gate.ts";
import type { KeepAlive } from "./gateway/keep-alive.ts";
import type { Resilience } from "./gateway/resilience.ts";
import type { LoopGuard } from "./gateway/loop-guard.ts";
import { createGetModelHandler, createListModelsHandler } from "./gateway/models.ts";
import { createReadyHandler, healthHandler } from "./http/health.ts";
import type { Route } from "./http/router.ts";
import type { KeyStore } from "./keys/key-store.ts";
import type { Limiter } from "./limits/types.ts";
import type { ProviderRegistry } from "./providers/index.ts";
import type { Logger } from "./telemetry/logger.ts";
import { mergeMetrics, type PeerMetrics } from "./telemetry/merge-metrics.ts";
import { createMetricsHandler, renderMetrics, type Metrics } from "./telemetry/metrics.ts";
import type { RequestTelemetry } from "./telemetry/request-telemetry.ts";
import type { LiveRequests } from "./usage/live-requests.ts";
import type { LogWriter } from "./usage/log-writer.ts";
import type { RequestRecord } from "./usage/record.ts";

export interface RouteParts {
  readonly env: Env;
  readonly registry: ProviderRegistry;
  readonly keyStore: KeyStore;
  readonly logWriter: LogWriter;
  readonly live: LiveRequests;
  readonly keepAlive: KeepAlive;
  readonly manager: AgentManager;
  readonly enrolment: Pick<LoginRoutesOptions, "agentStore" | "desk">;
  readonly admin: AdminRoutes;
  readonly database: Database;
  readonly gate: CallGate;
  readonly limiter: Limiter;
  readonly loop: LoopGuard;
  readonly resilience: Resilience;
  readonly logger: Logger;
  readonly telemetry: RequestTelemetry;
  readonly metrics: Metrics;
  readonly peerMetrics: PeerMetrics | undefined;
}

/** Every path of the data plane. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  const { env, registry, keyStore, logWriter, live, keepAlive, manager, admin, database, gate, limiter, loop, logger } =
    parts;
  const { enrolment, resilience, telemetry, metrics, peerMetrics } = parts;
  const lookUpKey = (token: string) => keyStore.authenticate(token);
  const record = (row: RequestRecord) => logWriter.record(row);
  const chat = createChatRoute({
    env,
    registry,
    lookUpKey,
    record,
    live,
    keepAlive,
    gate,
    limiter,
    loop,
    resilience,
    logger,
    telemetry,
  });
  const models = { registry, lookUpKey };
  const guard = guardStatus({ lookUpKey, requireAdmin: (context) => admin.requireAdmin(context) });
  const showMetrics = createMetricsHandler(
    async () => await renderMetrics(await mergeMetrics(metrics.registry, peerMetrics)),
  );
  const metricsRoute: Route = {
    method: "GET",
    path: "/metrics",
    handler: env.METRICS_PUBLIC ? showMetrics : guard(showMetrics),
  };
  return [
    { method: "POST", path: "/v1/chat/completions", handler: chat },
    { method: "GET", path: "/v1/models", handler: loop.guard(createListModelsHandler(models)) },
    { method: "GET", path: "/v1/models/{id...}", handler: loop.guard(createGetModelHandler(models)) },
    ...createAgentRoutes({
      manager,
      authenticateAgent: createAgentAuthenticator({
        secret: env.AGENT_SECRET,
        findEnrolment: (token) => enrolment.agentStore.authenticate(token),
      }),
      guardStatus: guard,
    }),
    ...createLoginRoutes({ ...enrolment, lookUpKey }),
    ...admin.routes,
    ...(env.METRICS_ENABLED ? [metricsRoute] : []),
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
