import { sql } from "drizzle-orm";
import type { Database } from "../client.ts";

/**
 * Deletes at most `limit` rows of the request log that arrived before a time (milliseconds since the epoch), the
 * oldest first, and tells how many. Rows that another process is deleting are skipped. Rejects when the database is
 * away.
 */
export async function deleteRequestsBefore(
  { db }: Pick<Database, "db">,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const before = new Date(beforeMs).toISOString();
  // Materialised, so that the limit is applied once whatever plan is chosen.
  const { rowCount } = await db.execute(
    sql`with old as materialized (select id from requests where created_at < ${before} order by created_at limit ${limit} for update skip locked) delete from requests using old where requests.id = old.id`,
  );
  return rowCount ?? 0;
}

/** Makes the room of deleted rows usable again: the embedded database has no autovacuum that would. */
export async function vacuumRequests({ db }: Pick<Database, "db">): Promise<void> {
  await db.execute(sql`vacuum (analyze) requests`);
}
