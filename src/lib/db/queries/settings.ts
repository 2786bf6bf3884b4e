import { eq } from "drizzle-orm";
import type { Database } from "../client.ts";
import { settings } from "../schema/settings.ts";

type Queryable = Pick<Database, "db">;

/** The value of a setting, unchecked; undefined where it is not set. */
export async function selectSetting({ db }: Queryable, key: string): Promise<unknown> {
  const rows = await db.select({ value: settings.value }).from(settings).where(eq(settings.key, key));
  return rows[0]?.value;
}

/** Sets what is not set yet. True when this call set it. */
export async function insertSetting({ db }: Queryable, key: string, value: unknown): Promise<boolean> {
  const rows = await db.insert(settings).values({ key, value }).onConflictDoNothing().returning({ key: settings.key });
  return rows.length > 0;
}

export async function deleteSetting({ db }: Queryable, key: string): Promise<void> {
  await db.delete(settings).where(eq(settings.key, key));
}
