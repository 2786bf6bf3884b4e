import { z } from "zod";
import { toKeyView } from "../../src/lib/admin/keys.ts";
import {
  createdKeySchema,
  createKeyRequestSchema,
  keyListSchema,
  keyViewSchema,
  type CreatedKey,
  type KeyView,
} from "../../src/lib/admin/types.ts";
import { openDatabase, type Database } from "../../src/lib/db/client.ts";
import { toDatabaseError } from "../../src/lib/db/errors.ts";
import { defaultMigrationsDirectory } from "../../src/lib/db/migrations-directory.ts";
import { deleteSetting } from "../../src/lib/db/queries/settings.ts";
import type { Env } from "../../src/lib/env.ts";
import { GatewayError } from "../../src/lib/http/errors.ts";
import { ADMIN_KEY_SETTING, resolveAdminKey } from "../../src/lib/keys/admin-key.ts";
import { createKeyStore } from "../../src/lib/keys/key-store.ts";
import { createLogger } from "../../src/lib/telemetry/logger.ts";

const REQUEST_TIMEOUT_MS = 15_000;

/** The caller must change something: exit code 2. */
export class UsageError extends Error {}

/** Where the keys are kept: behind a running proxy, or in the database. Methods throw with a message for the operator. */
export interface KeysBackend {
  create(name: string): Promise<CreatedKey>;
  list(): Promise<KeyView[]>;
  revoke(id: string): Promise<KeyView>;
  close(): Promise<void>;
}

const errorBodySchema = z.object({ error: z.object({ message: z.string() }) });

class ConnectionRefused extends Error {}

/** One call of the proxy's API. Throws {@link ConnectionRefused} where nothing listens. */
async function call(url: string, path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ECONNREFUSED") throw new ConnectionRefused(undefined, { cause: error });
    throw new Error(`no proxy answers at ${url}${typeof code === "string" ? ` (${code})` : ""}`, { cause: error });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const message = errorBodySchema.safeParse(body).data?.error.message ?? "no reason given";
  throw new Error(`the proxy at ${url} answered ${response.status}: ${message.replace(/\.$/, "")}`);
}

function throughProxy(url: string, adminKey: string): KeysBackend {
  const send = async <Schema extends z.ZodType>(schema: Schema, method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const parsed = schema.safeParse(await call(url, path, init));
    if (!parsed.success) throw new Error(`what answers at ${url} is not a Codewise proxy`);
    return parsed.data;
  };
  return {
    create: (name) => send(createdKeySchema, "POST", "/api/admin/keys", { name }),
    list: async () => (await send(keyListSchema, "GET", "/api/admin/keys")).keys,
    revoke: (id) => send(keyViewSchema, "DELETE", `/api/admin/keys/${encodeURIComponent(id)}`),
    close: async () => {},
  };
}

async function openMigrated(env: Env): Promise<Database> {
  const database = await openDatabase({
    databaseUrl: env.DATABASE_URL,
    dataDirectory: env.CODEWISE_DATA_DIR,
    migrationsDirectory: defaultMigrationsDirectory(),
    logger: createLogger("error"),
  });
  try {
    await database.migrate();
  } catch (error) {
    await database.close();
    throw toDatabaseError(error);
  }
  return database;
}

async function throughDatabase(env: Env): Promise<KeysBackend> {
  const database = await openMigrated(env);
  const keyStore = createKeyStore({ database, logger: createLogger("error") });
  return {
    async create(name) {
      const parsed = createKeyRequestSchema.safeParse({ name });
      if (!parsed.success) throw new UsageError("The name must have 1 to 100 characters and no control characters.");
      const issued = await keyStore.create(parsed.data.name);
      return { ...toKeyView(issued), key: issued.key };
    },
    list: async () => (await keyStore.list()).map(toKeyView),
    async revoke(id) {
      const row = await keyStore.revoke(id);
      if (row === undefined) throw new GatewayError("not_found", "There is no key with this id.");
      return toKeyView(row);
    },
    async close() {
      await keyStore.close();
      await database.close();
    },
  };
}

/** Whether an address means this machine, so that its database is the one of the proxy that should listen there. */
function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

/**
 * The running proxy at `url`, or the database where nothing listens at an address of this machine. Throws
 * {@link UsageError} where a proxy runs and its admin key is not given.
 */
export async function connectKeys(env: Env, url: string): Promise<KeysBackend> {
  try {
    await call(url, "/healthz", {});
  } catch (error) {
    if (!(error instanceof ConnectionRefused)) throw error;
    if (!isLoopback(url)) throw new Error(`no proxy listens at ${url}`, { cause: error });
    return await throughDatabase(env);
  }
  if (env.CODEWISE_ADMIN_KEY === undefined) {
    throw new UsageError(`A proxy runs at ${url}: set CODEWISE_ADMIN_KEY to its admin key.`);
  }
  return throughProxy(url, env.CODEWISE_ADMIN_KEY);
}

/** Forgets the generated admin key and returns a new one. */
export async function resetAdminKey(env: Env): Promise<string> {
  if (env.CODEWISE_ADMIN_KEY !== undefined) {
    throw new UsageError("CODEWISE_ADMIN_KEY is set: it is the admin key, whatever was generated.");
  }
  const database = await openMigrated(env);
  try {
    await deleteSetting(database, ADMIN_KEY_SETTING);
    const adminKey = await resolveAdminKey({ fromEnv: undefined, database, logger: createLogger("error") });
    adminKey.close();
    if (adminKey.generated === undefined) throw new GatewayError("conflict", "Another process made the key just now.");
    return adminKey.generated;
  } finally {
    await database.close();
  }
}
