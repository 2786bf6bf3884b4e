import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Database } from "../client.ts";
import { clientKeys } from "../schema/keys.ts";

type Queryable = Pick<Database, "db">;
export type KeyRow = typeof clientKeys.$inferSelect;
export type NewKeyRow = Pick<KeyRow, "id" | "name" | "start" | "hash">;

/** Serialises the creation of the very first key; any number that no other advisory lock has. */
const FIRST_KEY_LOCK = sql.raw("7219041553284096002");

/** The keys of these hashes that are not revoked. One parameter for all, so that the statement is always the same. */
export async function selectActiveKeysByHash({ db }: Queryable, hashes: readonly string[]): Promise<KeyRow[]> {
  const isOneOf = sql`${clientKeys.hash} = any(${sql.param(hashes)}::text[])`;
  return await db
    .select()
    .from(clientKeys)
    .where(and(isOneOf, isNull(clientKeys.revokedAt)));
}

/** All keys, newest first, revoked ones included. */
export async function selectKeys({ db }: Queryable): Promise<KeyRow[]> {
  return await db.select().from(clientKeys).orderBy(desc(clientKeys.createdAt), desc(clientKeys.id));
}

export async function insertKey({ db }: Queryable, key: NewKeyRow): Promise<KeyRow | undefined> {
  const rows = await db.insert(clientKeys).values(key).returning();
  return rows[0];
}

/** Inserts the key only where there is none at all, revoked ones included; undefined otherwise. Safe when two processes try. */
export async function insertFirstKey({ db }: Queryable, key: NewKeyRow): Promise<KeyRow | undefined> {
  return await db.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${FIRST_KEY_LOCK})`);
    const existing = await transaction.select({ id: clientKeys.id }).from(clientKeys).limit(1);
    if (existing.length > 0) return undefined;
    const rows = await transaction.insert(clientKeys).values(key).returning();
    return rows[0];
  });
}

/** Revokes a key, at the time of the first call for it; undefined where there is no such key. */
export async function revokeKey({ db }: Queryable, id: string): Promise<KeyRow | undefined> {
  const rows = await db
    .update(clientKeys)
    .set({ revokedAt: sql`coalesce(${clientKeys.revokedAt}, now())` })
    .where(eq(clientKeys.id, id))
    .returning();
  return rows[0];
}

/** Moves `last_used_at` of many keys forward in one statement. */
export async function touchKeys({ db }: Queryable, usedAt: ReadonlyMap<string, number>): Promise<void> {
  const rows = JSON.stringify(Array.from(usedAt, ([id, atMs]) => ({ id, at: new Date(atMs).toISOString() })));
  await db.execute(
    sql`update client_keys set last_used_at = greatest(client_keys.last_used_at, used.at) from json_to_recordset(${rows}::json) as used(id text, at timestamptz) where client_keys.id = used.id`,
  );
}
