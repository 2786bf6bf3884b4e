import { pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** Keys of the proxy's clients. Rows are revoked, never deleted, so that the request log keeps its names. */
export const clientKeys = pgTable("client_keys", {
  /** `key_` + random; safe to show and to log. */
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  /** The key's first characters: tells keys apart in a list, far too few to guess the rest. */
  start: text("start").notNull(),
  /** SHA-256 of the whole key, hex. The key itself is stored nowhere; unique, so it also serves the lookup by key. */
  hash: text("hash").notNull().unique(),
  createdAt: timestamp("created_at", { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  /** Written in batches, so up to half a minute behind. */
  lastUsedAt: timestamp("last_used_at", { withTimezone: true, precision: 3 }),
  /** Set once; a revoked key never works again. */
  revokedAt: timestamp("revoked_at", { withTimezone: true, precision: 3 }),
});
