import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCounts } from "../../upstream/counts.ts";
import { startServer } from "../server-process.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type StartTarget } from "../types.ts";
import { freePort } from "../wait-for-server.ts";
import { installPeer } from "./cache.ts";

const MASTER_KEY = "sk-bench-litellm";

/** LiteLLM's proxy from PyPI: one process, its master key checked, no database. */
export const startLitellm: StartTarget = async ({ upstream, directory }) => {
  const folder = await installPeer("litellm", {}, (path) => [
    { program: "python3", parameters: ["-m", "venv", join(path, "venv")] },
    { program: join(path, "venv", "bin", "pip"), parameters: ["install", "--quiet", "litellm[proxy]"] },
  ]);
  const config = join(directory, "litellm.yaml");
  const upstreamSettings = { model: `openai/${MODEL}`, api_base: `${upstream.url}/v1`, api_key: UPSTREAM_KEY };
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      model_list: [{ model_name: MODEL, litellm_params: upstreamSettings }],
      general_settings: { master_key: MASTER_KEY },
    }),
  );
  const port = await freePort();
  const server = await startServer({
    name: "litellm",
    program: join(folder, "venv", "bin", "litellm"),
    parameters: ["--config", config, "--host", "127.0.0.1", "--port", String(port), "--num_workers", "1"],
    env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_TELEMETRY: "False", LITELLM_LOG: "ERROR" },
    directory,
    logFile: join(directory, "litellm.log"),
    port,
    readyPath: "/health/liveliness",
  });
  return {
    ...server,
    name: "litellm",
    path: CHAT_PATH,
    headers: { authorization: `Bearer ${MASTER_KEY}` },
    model: MODEL,
    counts: () => readCounts(upstream.url),
  };
};
