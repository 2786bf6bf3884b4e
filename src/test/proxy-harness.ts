import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readEnv } from "../lib/env.ts";
import { createRuntime, type Runtime } from "../lib/runtime.ts";
import { createListener, type ListenerOptions } from "../server/listener.ts";

export const TEST_ADMIN_KEY = "test-admin-key-0123456789";
export const TEST_AGENT_SECRET = "test-agent-secret-0123456789";

export interface ProxyHarness {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly apiKey: string;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** The whole data plane in this process: real runtime, embedded database, real sockets, without the dashboard. */
export async function startProxyHarness(
  env: Record<string, string> = {},
  options: {
    readonly port?: number;
    readonly host?: string;
    readonly keepAliveMs?: number;
    readonly listener?: Partial<ListenerOptions>;
  } = {},
): Promise<ProxyHarness> {
  const { port = 0, host = "127.0.0.1", keepAliveMs, listener = {} } = options;
  const dataDirectory = mkdtempSync(join(tmpdir(), "codewise-test-"));
  const values: Record<string, string> = {
    CODEWISE_ADMIN_KEY: TEST_ADMIN_KEY,
    AGENT_SECRET: TEST_AGENT_SECRET,
    CODEWISE_DATA_DIR: dataDirectory,
    LOG_LEVEL: "silent",
    ...env,
  };
  const runtime = await createRuntime({
    env: readEnv(values as NodeJS.ProcessEnv),
    rootDirectory: resolve(import.meta.dirname, "..", ".."),
    keepAliveMs,
  });
  const server = createListener({
    slowReaderTimeoutMs: runtime.env.SLOW_READER_TIMEOUT_MS,
    handle: runtime.handle,
    isDataPlane: () => true,
    fallback: async () => undefined,
    ...listener,
  });
  server.listen(port, host);
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  runtime.listening(url);
  const { key } = await runtime.keyStore.create("test");
  return {
    url,
    apiKey: key,
    runtime,
    close: async () => {
      server.close();
      await runtime.close();
      server.closeAllConnections();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}
