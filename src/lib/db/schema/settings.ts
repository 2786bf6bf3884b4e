import { jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** What the installation decided for itself and must remember, such as the hash of its generated admin key. */
export const settings = pgTable("settings", {
  key: text("key").primaryKey(),
  /** Checked with a schema by whoever reads it. */
  value: jsonb("value").notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true, precision: 3 }).notNull().defaultNow(),
});
