import { sql } from "drizzle-orm";
import { pgTable, text, timestamp, uniqueIndex } from "drizzle-orm/pg-core";
import { clientKeys } from "./keys.ts";

/** Agents that were let in by a login. Rows are revoked, never deleted, so that the request log keeps its names. */
export const agents = pgTable(
  "agents",
  {
    /** `agt_` + random; safe to show and to log. */
    id: text("id").primaryKey(),
    /** The name that the agent gave: its token works under this one only. */
    agentId: text("agent_id").notNull(),
    /** The client key whose requests it serves, and that its right to be here ends with. */
    ownerKeyId: text("owner_key_id")
      .notNull()
      .references(() => clientKeys.id),
    /** Whose requests it serves: its owner's, or those of all keys. */
    share: text("share", { enum: ["owner", "all"] }).notNull(),
    /** SHA-256 of the whole token, hex. The token itself is stored nowhere; unique, so it also serves the lookup by token. */
    hash: text("hash").notNull().unique(),
    createdAt: timestamp("created_at", { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    /** Written in batches, so up to half a minute behind. */
    lastUsedAt: timestamp("last_used_at", { withTimezone: true, precision: 3 }),
    /** Set once; a revoked token never works again. */
    revokedAt: timestamp("revoked_at", { withTimezone: true, precision: 3 }),
  },
  // A name belongs to one owner at a time, also when two approve at once.
  (table) => [
    uniqueIndex("agents_active_agent_id_index")
      .on(table.agentId)
      .where(sql`${table.revokedAt} is null`),
  ],
);
