/**
 * The entry: opens the port, serves the data plane at once, then loads the dashboard (`--no-dashboard` leaves it out).
 * SIGTERM and SIGINT drain.
 */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EnvError, loadEnvFile, readEnv } from "../lib/env.ts";
import { createRuntime, installRuntime } from "../lib/runtime.ts";
import { printWelcome } from "./welcome.ts";
import { isDataPlanePath } from "./data-plane-paths.ts";
import { createListener } from "./listener.ts";
import { isStandalone, loadNextHandler, type NextHandler } from "./next-handler.ts";
import { shutDown } from "./shutdown.ts";

async function main(): Promise<string> {
  const { values: options } = parseArgs({ options: { "no-dashboard": { type: "boolean", default: false } } });
  const withDashboard = !options["no-dashboard"];
  loadEnvFile();
  const env = readEnv();
  const here = import.meta.dirname;
  const rootDirectory = isStandalone(here) ? here : join(here, "..", "..");
  const runtime = await createRuntime({ env, rootDirectory });
  installRuntime(runtime);

  const dashboard = Promise.withResolvers<NextHandler>();
  // Requests for pages await it; without one a failure to load must not count as unhandled.
  dashboard.promise.catch(() => undefined);
  const server = createListener({
    handle: runtime.handle,
    isDataPlane: (request, path) =>
      !withDashboard || isDataPlanePath(request.method ?? "GET", path, request.headers.accept ?? ""),
    fallback: async (request, response) => (await dashboard.promise)(request, response),
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: env.PORT, host: env.HOST }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = localUrl(env.HOST, port);
  runtime.listening(url);

  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(signal === "SIGINT" ? 130 : 143);
    stopping = true;
    runtime.logger.info({ signal }, "shutting down");
    shutDown(runtime, server).then(
      () => process.exit(0),
      (error: unknown) => {
        runtime.logger.error({ error }, "the shutdown failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  await printWelcome(runtime, { url, withDashboard });
  if (!withDashboard) return url;
  loadNextHandler({ directory: rootDirectory, server }).then(dashboard.resolve, (error: unknown) => {
    runtime.logger.error({ error }, "the dashboard could not be loaded; the API is served without it");
    dashboard.reject(error);
  });
  return url;
}

/** The address under which clients on this machine reach a server that listens on `host`. */
function localUrl(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `http://localhost:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address that clients on this machine use, once the port is open. */
export const url: Promise<string> = main();
url.catch((error: unknown) => {
  const known = error instanceof EnvError || (error instanceof Error && "code" in error);
  process.stderr.write(`codewise: ${known && error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof EnvError ? 2 : 1);
});
