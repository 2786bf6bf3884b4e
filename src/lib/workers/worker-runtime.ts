import { createChatRoute } from "../chat-route.ts";
import type { Env } from "../env.ts";
import { breakerStatesByProvider } from "../gateway/breaker-states.ts";
import { createCallGate } from "../gateway/call-gate.ts";
import { KeepAlive } from "../gateway/keep-alive.ts";
import { createLoopGuard } from "../gateway/loop-guard.ts";
import type { HttpContext, HttpHandler } from "../http/context.ts";
import { KeyChecker } from "../keys/key-checker.ts";
import { limitInFlight } from "../limits/in-flight-limiter.ts";
import { KeyLimiter } from "../limits/key-limiter.ts";
import type { Limiter } from "../limits/types.ts";
import { createObservability } from "../observability.ts";
import { createProcessResilience, traceProviders } from "../process-parts.ts";
import { readApiProviderSettings } from "../provider-settings.ts";
import { BodyThread } from "../prepare-body/body-thread.ts";
import { createBuiltinProviders, createProviderRegistry } from "../providers/index.ts";
import type { LogDestination } from "../telemetry/log-destination.ts";
import type { Logger } from "../telemetry/logger.ts";
import { startTracing } from "../telemetry/start-tracing.ts";
import { LiveRequests } from "../usage/live-requests.ts";
import { VERSION } from "../version.ts";
import type { HomeLine } from "./home-line.ts";
import { createHomeLimiter } from "./home-limiter.ts";
import { createHomeProviders } from "./home-providers.ts";
import { reportLive } from "./live-reporter.ts";
import type { HomeOffer, MetricsSnapshot } from "./messages.ts";
import type { HomeRelay } from "./pass-on.ts";
import { createRowCourier } from "./row-courier.ts";

/** Shorter than the home's, whose answers are up to two minutes old themselves. In milliseconds. */
const KEY_CACHE = { freshMs: 10_000, awaitRefreshMs: 20_000, staleMs: 60 * 60_000 };

/** The home has them. */
const NO_AGENTS = { agents: [], pendingRequests: 0, queuedRequests: 0, oldestPendingMs: null };

export interface WorkerRuntimeOptions {
  readonly env: Env;
  readonly logger: Logger;
  readonly logDestination: LogDestination;
  readonly line: HomeLine;
  readonly relay: HomeRelay;
  /** This worker's number, from 0. */
  readonly slot: number;
  readonly loopId: string;
  readonly offers: readonly HomeOffer[];
}

/** What a worker serves itself: chat requests to providers with an API. */
export interface WorkerRuntime {
  readonly chat: HttpHandler;
  /** Model calls that have arrived and not ended. */
  activeCalls(): number;
  updateOffers(offers: readonly HomeOffer[]): void;
  admitKey(hash: string): void;
  revokeKey(id: string): void;
  metrics(): Promise<MetricsSnapshot>;
  /** New calls are refused from now on. */
  startDraining(): void;
  /** Ends the calls that run, with an error to their clients. */
  endRequests(): void;
  /** Resolves when the home has all rows, and whoever takes traces has those. Never rejects. */
  close(): Promise<void>;
  /** Resolves when the home has all rows. Never rejects. */
  flush(): Promise<void>;
}

export async function createWorkerRuntime(options: WorkerRuntimeOptions): Promise<WorkerRuntime> {
  const { env, logger, logDestination, line, relay, slot, loopId, offers } = options;
  const tracing = await startTracing(env, { version: VERSION, logger });
  const gate = createCallGate();
  const loop = createLoopGuard(loopId);
  const live = new LiveRequests();
  const resilience = createProcessResilience(env, logger);
  const rows = createRowCourier(line, logger);
  const home = createHomeProviders(offers);
  const settings = { ...readApiProviderSettings(env, logger), claudeCli: undefined, agents: undefined };
  const bodies = new BodyThread({ logger });
  const api = createBuiltinProviders({ ...settings, via: loop.via, bodies, logger });
  const registry = createProviderRegistry([...home.providers, ...traceProviders(api, env, tracing)]);
  const observability = createObservability({
    env,
    logDestination,
    tracing,
    registry,
    gate,
    manager: { status: () => NO_AGENTS },
    logWriter: { written: 0, dropped: 0 },
    breakers: () => breakerStatesByProvider(registry.ids(), resilience.health.states()),
  });
  const keys = new KeyChecker({
    cache: KEY_CACHE,
    load: async (hashes) => new Map(await line.ask({ kind: "keys", hashes: [...hashes] })),
  });
  reportLive(live, () => gate.active(), line);
  const chat = createChatRoute({
    env,
    gate,
    loop,
    live,
    logger,
    resilience,
    registry,
    telemetry: observability.telemetry,
    lookUpKey: (token) => keys.check(token),
    record: (row) => rows.record(row),
    keepAlive: new KeepAlive(),
    limiter: createLimiter(env, line, slot),
    elsewhere: { has: (id) => home.has(id), passOn: (context, body) => passCallOn(relay, context, body) },
  });
  return {
    chat,
    activeCalls: () => gate.active(),
    updateOffers: (newest) => home.update(newest),
    admitKey: (hash) => keys.admit(hash),
    revokeKey: (id) => keys.revoke(id),
    metrics: () => observability.metrics.registry.getMetricsAsJSON(),
    startDraining: () => gate.close(),
    endRequests: () => gate.end(),
    flush: () => rows.flush(),
    close: async () => {
      await rows.flush();
      await observability.close();
      await bodies.close();
    },
  };
}

/** The limits of keys are the home's to keep; of the cap on all calls each worker has its share. */
function createLimiter(env: Env, line: HomeLine, slot: number): Limiter {
  const { KEY_REQUESTS_PER_MINUTE: requestsPerMinute, KEY_MAX_CONCURRENCY: maxConcurrency } = env;
  const isLimited = requestsPerMinute > 0 || maxConcurrency > 0;
  const keys = isLimited
    ? createHomeLimiter(line, { holdsPlaces: maxConcurrency > 0 })
    : new KeyLimiter({ requestsPerMinute, maxConcurrency });
  return limitInFlight(shareOf(env.MAX_IN_FLIGHT, env.WORKERS, slot), keys);
}

/** A worker's part of a whole that all parts add up to; at least 1, since 0 would mean no limit. */
function shareOf(whole: number, workers: number, slot: number): number {
  if (whole === 0) return 0;
  return Math.max(1, Math.floor(whole / workers) + (slot < whole % workers ? 1 : 0));
}

function passCallOn(relay: HomeRelay, context: HttpContext, body: Buffer): Promise<void> {
  const { request, response, requestId, remoteAddress } = context;
  return relay.passOn({
    method: "POST",
    target: context.path,
    headers: request.headers,
    origin: { requestId, remoteAddress, isAdmitted: true },
    body,
    response,
  });
}
