import { existsSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { loadDashboardFiles } from "./dashboard-files.ts";
import { DASHBOARD_DIRECTORY, MANIFEST_NAME } from "./dashboard-manifest.ts";

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Whether a folder holds the built dashboard, that is: whether this is the built server. */
export function isBuilt(directory: string): boolean {
  return existsSync(join(directory, DASHBOARD_DIRECTORY, MANIFEST_NAME));
}

/**
 * What serves the pages: the prerendered files of the build in `directory`, or, where the sources run, Next in its
 * development mode. To be called when the port is open; rejects when there is nothing to serve.
 */
export async function loadDashboard(directory: string, server: Server): Promise<PageHandler> {
  if (isBuilt(directory)) return await loadDashboardFiles(join(directory, DASHBOARD_DIRECTORY));
  const { loadNextHandler } = await import("./next-handler.ts");
  return await loadNextHandler(directory, server);
}
