import { join } from "node:path";
import { readCounts } from "../../upstream/counts.ts";
import { startServer } from "../server-process.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type StartTarget } from "../types.ts";
import { freePort } from "../wait-for-server.ts";
import { installPeer } from "./cache.ts";

/** As published, every stream is answered 500 with a later `@hono/node-server` (their issue #1389). */
const MANIFEST = {
  private: true,
  dependencies: { "@portkey-ai/gateway": "1.15.2" },
  overrides: { "@hono/node-server": "1.14.1" },
};

/** Portkey's gateway from npm: no keys of its own, no log, no limits; the target stands in the request's headers. */
export const startPortkey: StartTarget = async ({ upstream, directory }) => {
  const folder = await installPeer("portkey-1.15.2", { "package.json": JSON.stringify(MANIFEST) }, () => [
    { program: "npm", parameters: ["install", "--no-audit", "--no-fund", "--ignore-scripts"] },
  ]);
  const port = await freePort();
  const server = await startServer({
    name: "portkey",
    program: process.execPath,
    parameters: [
      join(folder, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js"),
      "--headless",
      `--port=${port}`,
    ],
    env: {},
    directory: folder,
    logFile: join(directory, "portkey.log"),
    port,
    readyPath: "/",
  });
  return {
    ...server,
    name: "portkey",
    path: CHAT_PATH,
    headers: {
      authorization: `Bearer ${UPSTREAM_KEY}`,
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `${upstream.url}/v1`,
    },
    model: MODEL,
    counts: () => readCounts(upstream.url),
  };
};
