/**
 * The composition root: wires the parts of the proxy together. The runtime of a process hangs off `globalThis`, since
 * Next may load a module more than once.
 */
import { join } from "node:path";
import { createAdminRoutes } from "./admin/routes.ts";
import { AgentManager } from "./agent/manager.ts";
import { openDatabase, type Database } from "./db/client.ts";
import { selectRecentRequests } from "./db/queries/recent-requests.ts";
import { startMigration } from "./db/start-migration.ts";
import { AgentStore } from "./enrolment/agent-store.ts";
import { LoginDesk } from "./enrolment/login-desk.ts";
import { readEnv, type Env } from "./env.ts";
import { breakerStatesByProvider } from "./gateway/breaker-states.ts";
import { createCallGate } from "./gateway/call-gate.ts";
import { KeepAlive } from "./gateway/keep-alive.ts";
import { createLoopGuard, type LoopGuard } from "./gateway/loop-guard.ts";
import type { Resilience } from "./gateway/resilience.ts";
import type { HttpContext } from "./http/context.ts";
import { createDispatcher } from "./http/dispatch.ts";
import { createRouter } from "./http/router.ts";
import { resolveAdminKey } from "./keys/admin-key.ts";
import { createKeyStore, type KeyStore } from "./keys/key-store.ts";
import { limitInFlight } from "./limits/in-flight-limiter.ts";
import { KeyLimiter } from "./limits/key-limiter.ts";
import { createObservability } from "./observability.ts";
import { BodyThread } from "./prepare-body/body-thread.ts";
import { createProcessResilience, traceProviders } from "./process-parts.ts";
import { readProviderSettings } from "./provider-settings.ts";
import { createBuiltinProviders, createProviderRegistry, type ProviderRegistry } from "./providers/index.ts";
import { createRoutes } from "./routes.ts";
import { openLogDestination } from "./telemetry/log-destination.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import type { PeerMetrics } from "./telemetry/merge-metrics.ts";
import { startTracing } from "./telemetry/start-tracing.ts";
import { LiveRequests } from "./usage/live-requests.ts";
import { startLogRetention } from "./usage/log-retention.ts";
import { createLogWriter, type LogWriter } from "./usage/log-writer.ts";
import { NO_LOG } from "./usage/no-log.ts";
import { VERSION } from "./version.ts";

export interface Runtime {
  readonly env: Env;
  readonly logger: Logger;
  readonly database: Database;
  readonly keyStore: KeyStore;
  readonly keyLimiter: KeyLimiter;
  readonly loop: LoopGuard;
  readonly logWriter: LogWriter;
  readonly manager: AgentManager;
  readonly agentStore: AgentStore;
  readonly live: LiveRequests;
  readonly registry: ProviderRegistry;
  readonly resilience: Resilience;
  /** Serves one request of the data plane, failures included; never rejects. */
  readonly handle: (context: HttpContext) => Promise<void>;
  /** Tells where the proxy can be reached, for the examples it shows. `CODEWISE_URL` goes before it. */
  listening(url: string): void;
  /** Model calls that have arrived and not ended, those included whose body is still coming in. */
  activeCalls(): number;
  /** From now on new model calls are refused and `/readyz` says so. */
  startDraining(): void;
  /** Ends the model calls that still run, with an error to their clients. */
  endRequests(): void;
  /** Ends providers and agents, writes the rows that wait, closes the database. Never rejects. */
  close(): Promise<void>;
}

export interface RuntimeOptions {
  readonly env: Env;
  /** Folder that holds `drizzle/`. */
  readonly rootDirectory: string;
  /** How long a stream may be silent before its client gets a comment frame; 15 s unless told otherwise. */
  readonly keepAliveMs?: number | undefined;
  /** The metrics of this proxy's other processes, to be shown with those of this one. */
  readonly peerMetrics?: PeerMetrics | undefined;
}

/** Agents come back within this time after a restart, spread over it. */
const DRAIN_RECONNECT_MS = 5000;

/** Wires a runtime and brings the database up to date, or keeps trying to in the background while it is away. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { env, rootDirectory, keepAliveMs, peerMetrics } = options;
  const logDestination = openLogDestination();
  const logger = createLogger(env.LOG_LEVEL, logDestination);
  const tracing = await startTracing(env, { version: VERSION, logger });
  const database = await openDatabase({
    databaseUrl: env.DATABASE_URL,
    dataDirectory: env.CODEWISE_DATA_DIR,
    migrationsDirectory: join(rootDirectory, "drizzle"),
    logger,
  });
  const migration = await startMigration(database, logger);
  const adminKey = await resolveAdminKey({
    fromEnv: env.CODEWISE_ADMIN_KEY,
    database,
    logger,
    onGenerated: printAdminKey,
  });
  const keyStore = createKeyStore({ database, logger });
  const logWriter = env.REQUEST_LOG_ENABLED ? createLogWriter({ database, logger }) : NO_LOG;
  const retention = startLogRetention({ database, logger, days: env.REQUEST_LOG_RETENTION_DAYS });
  const live = new LiveRequests();
  const keepAlive = new KeepAlive(keepAliveMs);
  const bodies = new BodyThread({ logger });
  const manager = new AgentManager({
    pingIntervalMs: env.AGENT_PING_INTERVAL_MS,
    resumeGraceMs: env.AGENT_RESUME_GRACE_MS,
    queueMax: env.AGENT_QUEUE_MAX,
    queueWaitMs: env.AGENT_QUEUE_WAIT_MS,
    bodies,
    logger,
  });
  const enrolment = {
    desk: new LoginDesk(),
    agentStore: new AgentStore({ database, logger, onRevoked: (id) => manager.revoke(id) }),
  };
  keyStore.subscribe((change) => {
    if ("revoked" in change) enrolment.agentStore.ownerRevoked(change.revoked);
  });
  const keyLimiter = new KeyLimiter({
    requestsPerMinute: env.KEY_REQUESTS_PER_MINUTE,
    maxConcurrency: env.KEY_MAX_CONCURRENCY,
  });
  const limiter = limitInFlight(env.MAX_IN_FLIGHT, keyLimiter);
  const loop = createLoopGuard();
  const gate = createCallGate();
  const resilience = createProcessResilience(env, logger);
  const settings = readProviderSettings(env, manager, logger);
  const providers = createBuiltinProviders({ ...settings, via: loop.via, bodies, logger });
  const registry = createProviderRegistry(traceProviders(providers, env, tracing));
  const breakers = () => breakerStatesByProvider(registry.ids(), resilience.health.states());
  const sources = { registry, gate, manager, logWriter, breakers };
  const observability = createObservability({ env, logDestination, tracing, ...sources });
  void migration.done.then(async () => live.preload(await selectRecentRequests(database))).catch(() => undefined);

  let listeningUrl = "";
  const admin = createAdminRoutes({
    adminKey,
    keyStore,
    enrolment,
    logger,
    sources: {
      live,
      agents: manager,
      providers: registry.list(),
      database,
      logWriter,
      version: VERSION,
      baseUrl: () => `${env.CODEWISE_URL ?? listeningUrl}/v1`,
    },
  });
  const served = {
    env,
    registry,
    keyStore,
    logWriter,
    live,
    keepAlive,
    manager,
    enrolment,
    admin,
    database,
    gate,
    limiter,
    loop,
    resilience,
    logger,
  };
  const parts = { ...served, ...observability, peerMetrics };
  return {
    env,
    logger,
    database,
    keyStore,
    keyLimiter,
    loop,
    logWriter,
    manager,
    agentStore: enrolment.agentStore,
    live,
    registry,
    resilience,
    handle: createDispatcher(createRouter(createRoutes(parts)), logger),
    activeCalls: () => gate.active(),
    listening: (url) => {
      listeningUrl = url;
    },
    startDraining: () => {
      gate.close();
      manager.drain("the proxy is shutting down", DRAIN_RECONNECT_MS);
    },
    endRequests: () => gate.end(),
    close: async () => {
      admin.close();
      keepAlive.close();
      migration.stop();
      retention.stop();
      await manager.close();
      await registry.close();
      await bodies.close();
      await observability.close();
      await Promise.allSettled([keyStore.close(), enrolment.agentStore.close(), logWriter.close()]);
      adminKey.close();
      await database.close();
      logDestination.close();
    },
  };
}

/** Prints on stdout an admin key that was just made, now or when a database that was away is back. It is shown nowhere else. */
function printAdminKey(key: string): void {
  process.stdout.write(`\nAdmin key (shown once; sign in to the dashboard with it):\n  ${key}\n`);
}

const RUNTIME = Symbol.for("codewise.runtime");
const holder = globalThis as { [RUNTIME]?: Promise<Runtime> };

/** Makes a runtime that was created by the server's entry the one of this process. */
export function installRuntime(runtime: Runtime): void {
  holder[RUNTIME] = Promise.resolve(runtime);
}

/** The runtime of this process; the first call makes it where only Next runs. A failure is not kept: the next call tries again. */
export function getRuntime(): Promise<Runtime> {
  holder[RUNTIME] ??= createRuntime({ env: readEnv(), rootDirectory: process.cwd() }).catch((error: unknown) => {
    delete holder[RUNTIME];
    throw error;
  });
  return holder[RUNTIME];
}
