import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { z } from "zod";

export type NextHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const requiredServerFilesSchema = z.looseObject({ config: z.record(z.string(), z.unknown()) });

/** Whether a folder holds Next's standalone output, that is: whether this is the built server. */
export function isStandalone(directory: string): boolean {
  return existsSync(join(directory, ".next", "required-server-files.json"));
}

/**
 * Loads the dashboard: Next's request handler over the standalone output in `directory`, or a development build of the
 * project there. Takes a few hundred milliseconds, so it is called after the port is open.
 *
 * The standalone output carries its configuration in a file that Next's own `server.js` hands over by an environment
 * variable; this entry takes the place of that file and does the same (the built artifact is tested end to end).
 */
export async function loadNextHandler(options: {
  readonly directory: string;
  readonly server: Server;
}): Promise<NextHandler> {
  const { directory, server } = options;
  const standalone = isStandalone(directory);
  if (standalone) {
    const manifest = readFileSync(join(directory, ".next", "required-server-files.json"), "utf8");
    const { config } = requiredServerFilesSchema.parse(JSON.parse(manifest));
    process.env["__NEXT_PRIVATE_STANDALONE_CONFIG"] = JSON.stringify(config);
  }
  const { default: next } = await import("next");
  // Next listens for `upgrade` on the server it is given, and then every request with an Upgrade header ends there. Only
  // the development mode has a use for it (hot reloading): the built one gets a server that never listens.
  const upgradeServer = standalone ? createServer() : server;
  const app = next({ dev: !standalone, dir: directory, httpServer: upgradeServer });
  await app.prepare();
  return app.getRequestHandler();
}
