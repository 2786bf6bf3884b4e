/**
 * The entry: opens the port, then loads the data plane and the dashboard (`--no-dashboard` leaves it out).
 * SIGTERM and SIGINT drain.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { join } from "node:path";
import { inspect, parseArgs } from "node:util";
import { EnvError, loadEnvFile, readEnv, type Env } from "../lib/env.ts";
import { GatewayError } from "../lib/http/errors.ts";
import { healthHandler } from "../lib/http/health.ts";
import type { Runtime } from "../lib/runtime.ts";
import { readOrigin } from "../lib/workers/relay-headers.ts";
import { isBuilt, loadDashboard, type PageHandler } from "./dashboard.ts";
import { isDataPlanePath } from "./data-plane-paths.ts";
import type { Home } from "./home.ts";
import { createListener } from "./listener.ts";
import { stopOnSignals } from "./shutdown.ts";

/** Connections that wait to be taken: a burst of clients that finds no room would wait for its resend, a second later. */
const BACKLOG = 4096;

/** A reason not to start that its own words explain. */
class StartError extends Error {}

async function main(): Promise<string> {
  const { values: options } = parseArgs({ options: { "no-dashboard": { type: "boolean", default: false } } });
  const withDashboard = !options["no-dashboard"];
  loadEnvFile();
  const env = readEnv();
  const here = import.meta.dirname;
  const rootDirectory = isBuilt(here) ? here : join(here, "..", "..");
  const started = Promise.withResolvers<Runtime>();
  let handle: Runtime["handle"] | undefined;
  const dashboard = Promise.withResolvers<PageHandler>();
  // Requests await both; without one a failure must not count as unhandled.
  started.promise.catch(() => undefined);
  dashboard.promise.catch(() => undefined);
  const server = createListener({
    slowReaderTimeoutMs: env.SLOW_READER_TIMEOUT_MS,
    handle: (context) => {
      // Alive is alive, also while the database is being opened.
      if (context.path === "/healthz") return healthHandler(context);
      return handle === undefined ? started.promise.then((runtime) => runtime.handle(context)) : handle(context);
    },
    ...(env.WORKERS > 1 && { originOf: (request) => readOrigin(request.headers) }),
    isDataPlane: (request, path) =>
      !withDashboard || isDataPlanePath(request.method ?? "GET", path, request.headers.accept ?? ""),
    fallback: async (request, response) => {
      const serve = await dashboard.promise.catch(() => undefined);
      if (serve !== undefined) return await serve(request, response);
      response.writeHead(503, { "content-type": "text/plain; charset=utf-8" });
      response.end("The dashboard could not be loaded; the API is served without it.\n");
    },
  });
  // The port comes first: a start that fails for it has made no keys that nobody was shown.
  const home = env.WORKERS === 1 ? undefined : await becomeHome(server, env, here);
  const url = home === undefined ? await listen(server, env) : localUrl(env.HOST, home.port);
  if (withDashboard) loadDashboard(rootDirectory, server).then(dashboard.resolve, dashboard.reject);
  // Loaded now, while the port is open already: most of what the entry holds is needed by the runtime only.
  const { createRuntime, installRuntime } = await import("../lib/runtime.ts");
  const ownRuntime = await createRuntime({ env, rootDirectory, peerMetrics: home?.peerMetrics });
  const runtime = home?.join(ownRuntime) ?? ownRuntime;
  installRuntime(runtime);
  runtime.listening(url);
  started.resolve(runtime);
  handle = runtime.handle;
  stopOnSignals(runtime, home?.front ?? server);

  const { printWelcome } = await import("./welcome.ts");
  await printWelcome(runtime, { url, withDashboard });
  dashboard.promise.catch((error: unknown) => {
    runtime.logger.error({ error }, "the dashboard could not be loaded; the API is served without it");
  });
  return url;
}

async function listen(server: Server, env: Env): Promise<string> {
  server.listen({ port: env.PORT, host: env.HOST, backlog: BACKLOG });
  await open(once(server, "listening"), env);
  return localUrl(env.HOST, (server.address() as AddressInfo).port);
}

/** Waits for the port to open. */
async function open<Opened>(opening: Promise<Opened>, env: Env): Promise<Opened> {
  try {
    return await opening;
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw taken ? new StartError(`port ${env.PORT} of ${env.HOST} is taken; set PORT to another one`) : error;
  }
}

/** Makes this process the home of `env.WORKERS` workers, which run the source beside this file or its bundle. */
async function becomeHome(server: Server, env: Env, here: string): Promise<Home> {
  const { openHome } = await import("./home.ts");
  const entry = join(here, isBuilt(here) ? "relay-worker.js" : "relay-worker.ts");
  return await open(openHome(server, env, { entry, backlog: BACKLOG }), env);
}

/** The address under which clients on this machine reach a server that listens on `host`. */
function localUrl(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `http://localhost:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address that clients on this machine use, once the port is open. */
export const url: Promise<string> = main();
url.catch((error: unknown) => {
  const isExpected = error instanceof EnvError || error instanceof StartError || error instanceof GatewayError;
  process.stderr.write(`codewise: ${isExpected ? error.message : inspect(error)}\n`);
  process.exit(error instanceof EnvError ? 2 : 1);
});
