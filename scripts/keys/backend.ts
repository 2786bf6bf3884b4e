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
import { callProxy, ConnectionRefused, createAdminClient, requireAdminKey } from "../admin/call-proxy.ts";
import { UsageError } from "../admin/usage-error.ts";

/** Where the keys are kept: behind a running proxy, or in the database. Methods throw with a message for the operator. */
export interface KeysBackend {
  create(name: string): Promise<CreatedKey>;
  list(): Promise<KeyView[]>;
  revoke(id: string): Promise<KeyView>;
  close(): Promise<void>;
}

function throughProxy(url: string, adminKey: string): KeysBackend {
  const send = createAdminClient(url, adminKey);
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
    await callProxy(url, "/healthz", {});
  } catch (error) {
    if (!(error instanceof ConnectionRefused)) throw error;
    if (!isLoopback(url)) throw new Error(`no proxy listens at ${url}`, { cause: error });
    return await throughDatabase(env);
  }
  return throughProxy(url, requireAdminKey(env, url));
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
