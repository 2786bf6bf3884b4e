import type { Server } from "node:http";
import type { PageHandler } from "./dashboard.ts";

/** Loads Next over the sources in `directory`, in its development mode with hot reloading through `server`. Takes seconds. */
export async function loadNextHandler(directory: string, server: Server): Promise<PageHandler> {
  const { default: next } = await import("next");
  const app = next({ dev: true, dir: directory, httpServer: server });
  await app.prepare();
  return app.getRequestHandler();
}
