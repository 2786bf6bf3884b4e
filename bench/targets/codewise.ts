import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { envSchema } from "../../src/lib/env.ts";
import { readCounts } from "../upstream/counts.ts";
import { startServer } from "./server-process.ts";
import {
  CHAT_PATH,
  MODEL,
  TargetUnavailable,
  UPSTREAM_KEY,
  type StartTarget,
  type Target,
  type TargetContext,
} from "./types.ts";
import { freePort } from "./wait-for-server.ts";

const root = join(import.meta.dirname, "..", "..");

export interface CodewiseOptions {
  readonly name: string;
  readonly model: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts Codewise with a fresh folder and makes a client key through the admin API. What is not named in `env` has its default. */
export async function startCodewiseWith(context: TargetContext, options: CodewiseOptions): Promise<Target> {
  const { upstream, fromSource } = context;
  const directory = mkdtempSync(join(context.directory, `${options.name}-`));
  const adminKey = `cwadmin_${randomBytes(24).toString("hex")}`;
  const databaseUrl = context.databaseUrl(options.name);
  const port = await freePort();
  const server = await startServer({
    name: options.name,
    program: process.execPath,
    parameters: fromSource ? [join(root, "src/server/main.ts"), "--no-dashboard"] : [builtServer()],
    env: {
      HOST: "127.0.0.1",
      PORT: String(port),
      CODEWISE_ADMIN_KEY: adminKey,
      CODEWISE_DATA_DIR: join(directory, "data"),
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      OPENAI_API_KEY: UPSTREAM_KEY,
      OPENAI_BASE_URL: `${upstream.url}/v1`,
      OPENAI_MODELS: MODEL,
      ...options.env,
    },
    directory,
    logFile: join(directory, "stderr.log"),
    port,
  });
  try {
    const key = await createKey(server.url, adminKey);
    return {
      ...server,
      name: options.name,
      path: CHAT_PATH,
      headers: { authorization: `Bearer ${key}` },
      model: options.model,
      counts: () => readCounts(upstream.url),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Limits too high to be reached, so that they are checked and refuse nothing. */
const LIMITS_ON = { KEY_REQUESTS_PER_MINUTE: "1000000", KEY_MAX_CONCURRENCY: "100000" };
const EVERYTHING_OFF = {
  LOG_REQUESTS: "false",
  REQUEST_LOG_ENABLED: "false",
  METRICS_ENABLED: "false",
  KEY_REQUESTS_PER_MINUTE: "0",
  KEY_MAX_CONCURRENCY: "0",
  MAX_IN_FLIGHT: "0",
};

const isKnown = (variable: string): boolean => variable in envSchema.shape;

/** One process with everything on: what is on by default, and limits. */
export const startCodewise: StartTarget = (context) =>
  startCodewiseWith(context, { name: "codewise", model: MODEL, env: knownOf(LIMITS_ON) });

/** One process without request log, rows, metrics and limits. */
export const startBareCodewise: StartTarget = (context) => {
  const missing = Object.keys(EVERYTHING_OFF).filter((variable) => !isKnown(variable));
  if (missing.length > 0) throw new TargetUnavailable(`this server has no ${missing.join(", ")}`);
  return startCodewiseWith(context, { name: "codewise-bare", model: MODEL, env: EVERYTHING_OFF });
};

export const startTwoWorkers: StartTarget = (context) => {
  if (!isKnown("WORKERS")) throw new TargetUnavailable("this server has no WORKERS");
  return startCodewiseWith(context, { name: "codewise-2", model: MODEL, env: { ...knownOf(LIMITS_ON), WORKERS: "2" } });
};

/** The variables that this server has: one that it does not know would have no effect, and say nothing. */
function knownOf(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => isKnown(name)));
}

function builtServer(): string {
  const path = join(root, ".next", "standalone", "server.js");
  if (!existsSync(path)) throw new Error("there is no built server: run `npm run build`, or bench with --source");
  return path;
}

async function createKey(url: string, adminKey: string): Promise<string> {
  const response = await fetch(`${url}/api/admin/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench" }),
  });
  if (response.status !== 201) throw new Error(`no client key: ${response.status} ${await response.text()}`);
  return z.object({ key: z.string() }).parse(await response.json()).key;
}
