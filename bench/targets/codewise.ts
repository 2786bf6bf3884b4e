import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { startServer } from "./child.ts";
import { CHAT_PATH, MODEL, UPSTREAM_KEY, type Target, type TargetContext } from "./types.ts";

const root = join(import.meta.dirname, "..", "..");

export interface CodewiseOptions {
  /** From source, without the dashboard, in place of the built server. */
  readonly fromSource: boolean;
  /** PostgreSQL; left out: the embedded database. */
  readonly databaseUrl: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts Codewise with a fresh data folder and makes a client key through the admin API. Everything is on. */
export async function startCodewise(context: TargetContext, options: CodewiseOptions): Promise<Target> {
  const data = mkdtempSync(join(context.directory, "codewise-"));
  const adminKey = `cwadmin_${randomBytes(24).toString("hex")}`;
  const server = await startServer({
    name: "codewise",
    program: process.execPath,
    parameters: options.fromSource ? [join(root, "src/server/main.ts"), "--no-dashboard"] : [builtServer()],
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      CODEWISE_ADMIN_KEY: adminKey,
      CODEWISE_DATA_DIR: join(data, "data"),
      ...(options.databaseUrl !== undefined && { DATABASE_URL: options.databaseUrl }),
      OPENAI_API_KEY: UPSTREAM_KEY,
      OPENAI_BASE_URL: `${context.upstreamUrl}/v1`,
      OPENAI_MODELS: MODEL,
      ...options.env,
    },
    directory: data,
    logFile: join(data, "stderr.log"),
  });
  return {
    ...server,
    name: "codewise",
    path: CHAT_PATH,
    headers: { authorization: `Bearer ${await createKey(server.url, adminKey)}` },
    model: MODEL,
  };
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
