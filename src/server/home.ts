import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { createServer, type AddressInfo, type Server as Acceptor } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../lib/env.ts";
import type { Runtime } from "../lib/runtime.ts";
import { createLogger } from "../lib/telemetry/logger.ts";
import { watchHomeOffers } from "../lib/workers/home-offers.ts";
import type { MetricsSnapshot } from "../lib/workers/messages.ts";
import { WorkerPool } from "../lib/workers/pool.ts";
import type { StoppableServer } from "./shutdown.ts";

/** The proxy as one home process and its workers; where a single process has a server and a runtime, these are here. */
export interface Home {
  /** The workers' port: closed like a server's, with the workers behind it. */
  readonly front: StoppableServer;
  /** The port that is open. */
  readonly port: number;
  /** The metrics of the workers. */
  readonly peerMetrics: () => Promise<readonly MetricsSnapshot[]>;
  /** Puts the runtime at the workers' service, and answers the same with the workers' part in it. */
  join(runtime: Runtime): Runtime;
}

/**
 * Makes this process the home: `server` listens on a private socket, and the connections of the public port are dealt out
 * to `env.WORKERS` workers, which run `entry`. Rejects with the system's error when the port cannot be opened.
 */
export async function openHome(
  server: Server,
  env: Env,
  { entry, backlog }: { readonly entry: string; readonly backlog: number },
): Promise<Home> {
  // Nothing is read of a connection before its worker has it.
  const acceptor = createServer({ pauseOnConnect: true, noDelay: true });
  acceptor.listen({ port: env.PORT, host: env.HOST, backlog });
  await once(acceptor, "listening");
  // Readable by this user only; the path must stay short (108 bytes on Linux).
  const directory = mkdtempSync(join(tmpdir(), "codewise-home-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const socketPath = join(directory, "socket");
  server.listen(socketPath);
  await once(server, "listening");
  const logger = createLogger(env.LOG_LEVEL);
  let joined: Runtime | undefined;
  const onCrashLoop = (): void => {
    logger.fatal("the worker processes end as soon as they start: giving up");
    void Promise.resolve(joined?.close()).finally(() => process.exit(1));
  };
  const pool = new WorkerPool({ entry, count: env.WORKERS, socketPath, logger, onCrashLoop });
  acceptor.on("connection", (socket) => pool.give(socket));
  pool.start();
  return {
    port: (acceptor.address() as AddressInfo).port,
    front: createFront(pool, acceptor, server),
    peerMetrics: () => pool.collectMetrics(),
    join: (runtime) => {
      joined = runtime;
      return joinRuntime(runtime, pool);
    },
  };
}

function joinRuntime(runtime: Runtime, pool: WorkerPool): Runtime {
  const { env, manager, keyStore, keyLimiter, logWriter, live, loop } = runtime;
  const offers = watchHomeOffers({
    manager,
    hasLocalCli: env.CLAUDE_CLI_ENABLED,
    onChanged: (newest) => pool.broadcast({ codewise: "offers", offers: [...newest] }),
  });
  const unsubscribe = keyStore.subscribe((change) => {
    pool.broadcast(
      "revoked" in change
        ? { codewise: "revoked", id: change.revoked }
        : { codewise: "admitted", hash: change.admitted },
    );
  });
  pool.serve({ parts: { keyStore, keyLimiter, logWriter, live }, loopId: loop.id, offers: () => offers.current() });
  return {
    ...runtime,
    activeCalls: () => runtime.activeCalls() + pool.activeCalls(),
    startDraining: () => {
      runtime.startDraining();
      pool.drain();
    },
    endRequests: () => {
      runtime.endRequests();
      pool.broadcast({ codewise: "end" });
    },
    close: async () => {
      offers.stop();
      unsubscribe();
      await runtime.close();
    },
  };
}

function createFront(pool: WorkerPool, acceptor: Acceptor, server: Server): StoppableServer {
  return {
    get listening() {
      return acceptor.listening;
    },
    close: (onClosed) => {
      acceptor.close();
      pool.close(onClosed);
    },
    // Workers do so themselves while they close.
    closeIdleConnections: () => undefined,
    closeAllConnections: () => {
      pool.kill();
      server.close();
      server.closeAllConnections();
    },
  };
}
