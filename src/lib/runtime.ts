/**
 * The composition root: wires the parts of the proxy together. The runtime of a process hangs off `globalThis`, since
 * Next may load a module more than once.
 */
import { join } from "node:path";
import { guardStatus } from "./admin/guard-status.ts";
import { createAdminRoutes } from "./admin/routes.ts";
import { createAgentAuthenticator } from "./agent/authenticate.ts";
import { createAgentRoutes } from "./agent/routes.ts";
import { AgentManager } from "./agent/manager.ts";
import { createClaudeExecutor } from "./cli/claude/executor.ts";
import { openDatabase, type Database } from "./db/client.ts";
import { startMigration } from "./db/start-migration.ts";
import { selectRecentRequests } from "./db/queries/recent-requests.ts";
import { readEnv, readProcessEnvironment, type Env } from "./env.ts";
import { createChatCompletionsHandler } from "./gateway/chat-completions.ts";
import { KeepAlive } from "./gateway/keep-alive.ts";
import { createLoopGuard } from "./gateway/loop-guard.ts";
import { createGetModelHandler, createListModelsHandler } from "./gateway/models.ts";
import type { HttpContext } from "./http/context.ts";
import { createDispatcher } from "./http/dispatch.ts";
import { GatewayError } from "./http/errors.ts";
import { createReadyHandler, healthHandler } from "./http/health.ts";
import { createRouter } from "./http/router.ts";
import { resolveAdminKey, type AdminKey } from "./keys/admin-key.ts";
import { createKeyStore, type KeyStore } from "./keys/key-store.ts";
import {
  createBuiltinProviders,
  createProviderRegistry,
  type BuiltinProvidersOptions,
  type ProviderRegistry,
} from "./providers/index.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import { LiveRequests } from "./usage/live-requests.ts";
import { createLogWriter } from "./usage/log-writer.ts";
import { VERSION } from "./version.ts";

export interface Runtime {
  readonly env: Env;
  readonly logger: Logger;
  readonly database: Database;
  readonly keyStore: KeyStore;
  readonly adminKey: AdminKey;
  readonly manager: AgentManager;
  readonly live: LiveRequests;
  readonly registry: ProviderRegistry;
  /** Serves one request of the data plane, failures included; never rejects. */
  readonly handle: (context: HttpContext) => Promise<void>;
  /** Tells where the proxy can be reached, for the examples it shows. `CODEWISE_URL` goes before it. */
  listening(url: string): void;
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
}

/** Wires a runtime and brings the database up to date, or keeps trying to in the background while it is away. */
export async function createRuntime({ env, rootDirectory }: RuntimeOptions): Promise<Runtime> {
  const logger = createLogger(env.LOG_LEVEL);
  const database = await openDatabase({
    databaseUrl: env.DATABASE_URL,
    dataDirectory: env.CODEWISE_DATA_DIR,
    migrationsDirectory: join(rootDirectory, "drizzle"),
    logger,
  });
  const migration = await startMigration(database, logger);
  const adminKey = await resolveAdminKey({ fromEnv: env.CODEWISE_ADMIN_KEY, database, logger });
  const keyStore = createKeyStore({ database, logger });
  const logWriter = createLogWriter({ database, logger });
  const live = new LiveRequests();
  const keepAlive = new KeepAlive();
  const manager = new AgentManager({
    pingIntervalMs: env.AGENT_PING_INTERVAL_MS,
    resumeGraceMs: env.AGENT_RESUME_GRACE_MS,
    queueMax: env.AGENT_QUEUE_MAX,
    queueWaitMs: env.AGENT_QUEUE_WAIT_MS,
    logger,
  });
  const loop = createLoopGuard();
  const registry = createProviderRegistry(
    createBuiltinProviders({ ...providerOptions(env, manager, logger), via: loop.via, logger }),
  );
  void selectRecentRequests(database).then(
    (records) => live.preload(records),
    () => undefined,
  );

  let draining = false;
  const end = new AbortController();
  let baseUrl = "";
  const lookUpKey = (token: string) => keyStore.authenticate(token);
  const admin = createAdminRoutes({
    adminKey,
    keyStore,
    logger,
    sources: {
      live,
      agents: manager,
      providers: registry.list(),
      database,
      logWriter,
      version: VERSION,
      baseUrl: () => `${env.CODEWISE_URL ?? baseUrl}/v1`,
    },
  });
  const router = createRouter([
    {
      method: "POST",
      path: "/v1/chat/completions",
      handler: loop.guard(
        createChatCompletionsHandler({
          registry,
          lookUpKey,
          record: (record) => logWriter.record(record),
          live,
          keepAlive,
          logger,
          maxBodyBytes: env.MAX_BODY_BYTES,
          timeouts: {
            connectMs: env.UPSTREAM_CONNECT_TIMEOUT_MS,
            firstOutputMs: env.FIRST_OUTPUT_TIMEOUT_MS,
            idleMs: env.IDLE_TIMEOUT_MS,
            totalMs: env.REQUEST_TIMEOUT_MS,
          },
          accepting: () => !draining,
          ended: end.signal,
        }),
      ),
    },
    { method: "GET", path: "/v1/models", handler: loop.guard(createListModelsHandler({ registry, lookUpKey })) },
    { method: "GET", path: "/v1/models/{id...}", handler: loop.guard(createGetModelHandler({ registry, lookUpKey })) },
    ...createAgentRoutes({
      manager,
      authenticateAgent: env.AGENT_SECRET === undefined ? undefined : createAgentAuthenticator(env.AGENT_SECRET),
      guardStatus: guardStatus({ lookUpKey, requireAdmin: (context) => admin.requireAdmin(context) }),
    }),
    ...admin.routes,
    { method: "GET", path: "/healthz", handler: healthHandler, head: true },
    {
      method: "GET",
      path: "/readyz",
      head: true,
      handler: createReadyHandler({ databaseReachable: () => database.isReachable(), draining: () => draining }),
    },
  ]);

  return {
    env,
    logger,
    database,
    keyStore,
    adminKey,
    manager,
    live,
    registry,
    handle: createDispatcher(router, logger),
    listening: (url) => {
      baseUrl = url;
    },
    startDraining: () => {
      draining = true;
      manager.drain("the proxy is shutting down", DRAIN_RECONNECT_MS);
    },
    endRequests: () => end.abort(new GatewayError("shutting_down", "The proxy is shutting down.")),
    close: async () => {
      admin.close();
      keepAlive.close();
      adminKey.close();
      migration.stop();
      await manager.close();
      await registry.close();
      await Promise.allSettled([keyStore.close(), logWriter.close()]);
      await database.close();
    },
  };
}

/** Agents come back within this time after a restart, spread over it. */
const DRAIN_RECONNECT_MS = 5000;

/** Whether the upstream that `OPENAI_BASE_URL` names is this very proxy, as after the two export lines it prints. */
function isOwnAddress(env: Env): boolean {
  const { hostname, port } = new URL(env.OPENAI_BASE_URL);
  return ["127.0.0.1", "localhost", "[::1]", env.HOST].includes(hostname) && port === String(env.PORT);
}

function providerOptions(
  env: Env,
  manager: AgentManager,
  logger: Logger,
): Omit<BuiltinProvidersOptions, "via" | "logger"> {
  const openaiIsSelf = env.OPENAI_API_KEY !== undefined && isOwnAddress(env);
  if (openaiIsSelf) logger.warn("OPENAI_BASE_URL is this proxy's own address: the provider openai stays off");
  const claudeCli = env.CLAUDE_CLI_ENABLED
    ? {
        executor: createClaudeExecutor({
          command: env.CLAUDE_CLI_PATH,
          passEnvironment: [],
          environment: readProcessEnvironment(),
        }),
        maxConcurrency: env.CLAUDE_CLI_MAX_CONCURRENCY,
      }
    : undefined;
  return {
    openai:
      env.OPENAI_API_KEY === undefined || openaiIsSelf
        ? undefined
        : { apiKey: env.OPENAI_API_KEY, baseUrl: env.OPENAI_BASE_URL, models: env.OPENAI_MODELS },
    claudeApi:
      env.ANTHROPIC_API_KEY === undefined
        ? undefined
        : { apiKey: env.ANTHROPIC_API_KEY, baseUrl: env.ANTHROPIC_BASE_URL },
    claudeCli,
    claudeCliRemote: env.AGENT_SECRET === undefined ? undefined : { manager },
  };
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
