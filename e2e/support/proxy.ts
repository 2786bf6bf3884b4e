import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess, type StartedProcess } from "./child-process.ts";

export const ADMIN_KEY = "test-admin-key-0123456789";
export const AGENT_SECRET = "test-agent-secret-0123456789";

const SERVER = join(import.meta.dirname, "..", "..", ".next", "standalone", "server.js");

export interface StartedProxy {
  readonly process: StartedProcess;
  readonly url: string;
  /** A fresh client key. */
  readonly apiKey: string;
  readonly dataDirectory: string;
  /** A request to the admin API or any path, as the operator. */
  asAdmin(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<number | string>;
}

/** Starts the built server on a free port with an embedded database of its own and makes a client key. */
export async function startProxy(env: Record<string, string> = {}): Promise<StartedProxy> {
  if (!existsSync(SERVER)) throw new Error("There is no built server: run `npm run build` first.");
  const dataDirectory = env["CODEWISE_DATA_DIR"] ?? mkdtempSync(join(tmpdir(), "codewise-e2e-"));
  const started = startProcess(process.execPath, [SERVER], {
    cwd: dataDirectory,
    env: {
      NODE_ENV: "production",
      PORT: "0",
      CODEWISE_ADMIN_KEY: ADMIN_KEY,
      AGENT_SECRET,
      CODEWISE_DATA_DIR: dataDirectory,
      LOG_LEVEL: "info",
      ...env,
    },
  });
  const [, url = ""] = await started.waitFor(/listens on (http:\S+)/);
  const asAdmin = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${ADMIN_KEY}`);
    return fetch(`${url}${path}`, { ...init, headers });
  };
  const created = await asAdmin("/api/admin/keys", { method: "POST", body: JSON.stringify({ name: "e2e" }) });
  const { key } = (await created.json()) as { key: string };
  return {
    process: started,
    url,
    apiKey: key,
    dataDirectory,
    asAdmin,
    stop: async () => {
      const code = await started.stop();
      if (env["CODEWISE_DATA_DIR"] === undefined) rmSync(dataDirectory, { recursive: true, force: true });
      return code;
    },
  };
}
