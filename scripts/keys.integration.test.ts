import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createAttemptLimiter } from "../src/lib/limits/attempt-limiter.ts";
import { createAdminAuthorizer } from "../src/lib/admin/authorize.ts";
import { createCreateKeyHandler, createListKeysHandler, createRevokeKeyHandler } from "../src/lib/admin/keys.ts";
import type { Database } from "../src/lib/db/client.ts";
import { createDispatcher } from "../src/lib/http/dispatch.ts";
import { sendJson } from "../src/lib/http/respond.ts";
import { createNodeContext } from "../src/lib/http/node-context.ts";
import { createRouter } from "../src/lib/http/router.ts";
import { resolveAdminKey } from "../src/lib/keys/admin-key.ts";
import { createKeyStore, type KeyStore } from "../src/lib/keys/key-store.ts";
import { silentLogger } from "../src/lib/telemetry/logger.ts";
import { createTestDatabase, type TestDatabase } from "../src/test/test-database.ts";

const ADMIN_KEY = "an-admin-key-for-tests";
const script = fileURLToPath(new URL("./keys.ts", import.meta.url));

let test: TestDatabase;
let database: Database;
let keyStore: KeyStore;
let proxy: Server;
let url: string;
beforeAll(async () => {
  test = await createTestDatabase("embedded");
  database = await test.open();
  await database.migrate();
  keyStore = createKeyStore({ database, logger: silentLogger });
  const adminKey = await resolveAdminKey({ fromEnv: ADMIN_KEY, database, logger: silentLogger });
  const authorizer = createAdminAuthorizer({ adminKey, limiter: createAttemptLimiter() });
  const options = { keyStore, authorizer };
  const router = createRouter([
    { method: "GET", path: "/healthz", handler: async ({ response }) => sendJson(response, 200, { status: "ok" }) },
    { method: "GET", path: "/api/admin/keys", handler: createListKeysHandler(options) },
    { method: "POST", path: "/api/admin/keys", handler: createCreateKeyHandler(options) },
    { method: "DELETE", path: "/api/admin/keys/{id}", handler: createRevokeKeyHandler(options) },
  ]);
  const handle = createDispatcher(router, silentLogger);
  proxy = createServer((request, response) => void handle(createNodeContext(request, response)));
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterAll(async () => {
  proxy.close();
  await test.remove();
});

async function run(env: Record<string, string>, ...parameters: string[]) {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, ["--no-warnings", script, ...parameters], {
    env: { NODE_ENV: "test", PATH, ...env },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, ...output };
}

/** An address of this machine at which nothing listens. */
async function deadUrl(): Promise<string> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

const EXPORTS = /^export OPENAI_BASE_URL=(\S+)\/v1\nexport OPENAI_API_KEY=(cw_\w{43})\n$/;

describe("npm run keys with a running proxy", () => {
  const env = (): Record<string, string> => ({ CODEWISE_URL: url, CODEWISE_ADMIN_KEY: ADMIN_KEY });

  it("makes a key that works at once, and prints it once, ready for eval", async () => {
    const made = await run(env(), "create", "--name", "laptop");
    expect(made.exitCode).toBe(0);
    const [, baseUrl, key = ""] = EXPORTS.exec(made.stdout) ?? [];
    expect(baseUrl).toBe(url);
    expect(made.stderr).not.toContain(key);
    expect(await keyStore.authenticate(key)).toMatchObject({ name: "laptop" });
  });

  it("lists and revokes", async () => {
    const { id, key } = await keyStore.create("old");
    await keyStore.authenticate(key);
    const revoked = await run(env(), "revoke", id);
    expect([revoked.exitCode, revoked.stderr]).toEqual([0, `Revoked ${id} (old).\n`]);
    expect(await keyStore.authenticate(key)).toBeUndefined();
    const list = await run(env(), "list");
    expect(list.stdout).toMatch(new RegExp(`^${id} .* revoked +old$`, "m"));
    expect(list.stdout).not.toContain(key);
    const { revokedAt } = (await keyStore.list()).find((row) => row.id === id) ?? {};
    const again = await run(env(), "revoke", id);
    expect([again.exitCode, again.stderr]).toEqual([
      0,
      `${id} (old) was already revoked at ${revokedAt?.toISOString()}.\n`,
    ]);
  });

  it.each([
    [
      "a wrong admin key",
      { CODEWISE_ADMIN_KEY: "another-admin-key" },
      ["list"],
      1,
      /answered 401: Incorrect admin key/,
    ],
    ["no admin key", { CODEWISE_ADMIN_KEY: "" }, ["list"], 2, /Set CODEWISE_ADMIN_KEY/],
    ["an unknown id", {}, ["revoke", "key_none"], 1, /answered 404: There is no key with this id/],
    ["no name", {}, ["create"], 2, /required option '--name <name>'/],
    ["an unknown command", {}, ["frobnicate"], 2, /unknown command/],
    ["a malformed URL", { CODEWISE_URL: "localhost" }, ["list"], 2, /CODEWISE_URL: must be an http/],
  ])("says in words what is wrong: %s", async (_, change, parameters, exitCode, message) => {
    const failed = await run({ ...env(), ...change }, ...parameters);
    expect([failed.exitCode, failed.stdout]).toEqual([exitCode, ""]);
    expect(failed.stderr).toMatch(message);
    expect(failed.stderr).not.toContain("    at ");
  });
});

describe("npm run keys without a proxy", () => {
  it("opens the database itself, and makes a new admin key on demand", async () => {
    const own = await createTestDatabase("embedded");
    onTestFinished(() => own.remove());
    const env = { CODEWISE_URL: await deadUrl(), CODEWISE_DATA_DIR: own.options.dataDirectory };
    const made = await run(env, "create", "--name", "first");
    expect(made.exitCode).toBe(0);
    const refused = await run(env, "create", "--name", "two\nlines");
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining("no control characters")]);
    const reset = await run(env, "reset-admin");
    expect(reset.stdout).toMatch(/^cwadmin_\w{43}\n$/);

    const opened = await own.open();
    const key = EXPORTS.exec(made.stdout)?.[2] ?? "";
    expect(await createKeyStore({ database: opened, logger: silentLogger }).authenticate(key)).toBeDefined();
    const adminKey = await resolveAdminKey({ fromEnv: undefined, database: opened, logger: silentLogger });
    expect(adminKey.verify(reset.stdout.trim())).toBe(true);
  });

  it("names the process that has the database", async () => {
    const env = { CODEWISE_URL: await deadUrl(), CODEWISE_DATA_DIR: test.options.dataDirectory };
    const failed = await run(env, "list");
    expect([failed.exitCode, failed.stderr]).toEqual([1, `The data directory is in use by process ${process.pid}.\n`]);
  });
});

describe("scripts/migrate.ts", () => {
  it("migrates an empty database, and may be repeated", async () => {
    const own = await createTestDatabase("embedded");
    onTestFinished(() => own.remove());
    const migrate = async (): Promise<number> => {
      const child = spawn(process.execPath, [fileURLToPath(new URL("./migrate.ts", import.meta.url))], {
        env: { NODE_ENV: "test", CODEWISE_DATA_DIR: own.options.dataDirectory },
        stdio: "ignore",
      });
      return ((await once(child, "close")) as [number])[0];
    };
    expect([await migrate(), await migrate()]).toEqual([0, 0]);
    const opened = await own.open();
    expect(await createKeyStore({ database: opened, logger: silentLogger }).list()).toEqual([]);
  });
});
