import { desc } from "drizzle-orm";
import type { RequestRecord } from "../../usage/record.ts";
import type { Database } from "../client.ts";
import { requests } from "../schema/requests.ts";

/** The newest rows of the request log, newest first. Rejects when the database is away. */
export async function selectRecentRequests({ db }: Pick<Database, "db">, limit = 100): Promise<RequestRecord[]> {
  const rows = await db.select().from(requests).orderBy(desc(requests.createdAt), desc(requests.id)).limit(limit);
  return rows.map(({ createdAt, ...row }) => ({ ...row, createdAtMs: createdAt.getTime() }));
}
