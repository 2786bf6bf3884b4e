import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCounts } from "../../upstream/counts.ts";
import { startServer } from "../server-process.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type StartTarget } from "../types.ts";
import { freePort } from "../wait-for-server.ts";
import { installPeer } from "./cache.ts";

const MODULE = "github.com/maximhq/bifrost/transports/bifrost-http@latest";

/** Bifrost's HTTP transport, built from its Go module: no keys of its own, no log store. */
export const startBifrost: StartTarget = async ({ upstream, directory }) => {
  const folder = await installPeer("bifrost", {}, (path) => [
    { program: "go", parameters: ["install", MODULE], env: { GOBIN: path } },
  ]);
  const appDirectory = mkdtempSync(join(directory, "bifrost-"));
  const key = { name: "bench", value: UPSTREAM_KEY, models: [MODEL], weight: 1 };
  const config = {
    client: { enable_logging: false, initial_pool_size: 500, drop_excess_requests: false },
    config_store: { enabled: false },
    logs_store: { enabled: false },
    providers: { openai: { keys: [key], network_config: { base_url: upstream.url } } },
  };
  writeFileSync(join(appDirectory, "config.json"), JSON.stringify(config));
  const port = await freePort();
  const server = await startServer({
    name: "bifrost",
    program: join(folder, "bifrost-http"),
    parameters: ["-host", "127.0.0.1", "-port", String(port), "-app-dir", appDirectory, "-log-level", "error"],
    env: {},
    directory: appDirectory,
    logFile: join(appDirectory, "bifrost.log"),
    port,
    readyPath: "/metrics",
  });
  return {
    ...server,
    name: "bifrost",
    path: CHAT_PATH,
    headers: {},
    model: `openai/${MODEL}`,
    counts: () => readCounts(upstream.url),
  };
};
