import { join } from "node:path";
import { readCounts } from "../upstream/counts.ts";
import { startServer } from "./server-process.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type StartTarget } from "./types.ts";
import { freePort } from "./wait-for-server.ts";

export const startFloor: StartTarget = async ({ upstream, directory }) => {
  const port = await freePort();
  const server = await startServer({
    name: "floor",
    program: process.execPath,
    parameters: [join(import.meta.dirname, "..", "floor.ts"), upstream.url, String(port)],
    env: {},
    directory,
    logFile: join(directory, "floor.log"),
    port,
  });
  return {
    ...server,
    name: "floor",
    path: CHAT_PATH,
    headers: { authorization: `Bearer ${UPSTREAM_KEY}` },
    model: MODEL,
    counts: () => readCounts(upstream.url),
  };
};
