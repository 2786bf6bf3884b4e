import type { HttpHandler } from "./context.ts";
import { sendJson } from "./respond.ts";

/** `GET /healthz`: the process is alive and its event loop turns. */
export const healthHandler: HttpHandler = async (context) => {
  sendJson(context.response, 200, { status: "ok", service: "codewise" });
};

/** `GET /readyz`: 200 while the database is reachable and the proxy is not draining, else 503 with the reasons. */
export function createReadyHandler(options: {
  readonly databaseReachable: () => Promise<boolean>;
  readonly draining: () => boolean;
}): HttpHandler {
  return async (context) => {
    const database = await options.databaseReachable();
    const draining = options.draining();
    const ready = database && !draining;
    sendJson(context.response, ready ? 200 : 503, {
      status: ready ? "ready" : "not_ready",
      database: database ? "reachable" : "unreachable",
      draining,
    });
  };
}
