import { boolean, doublePrecision, index, integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** The request log: one row per request, see `RequestRecord`. No foreign keys: a row is written whatever became of its key. */
export const requests = pgTable(
  "requests",
  {
    /** The `x-request-id` of the answer. */
    id: text("id").primaryKey(),
    /** Arrival of the request. */
    createdAt: timestamp("created_at", { withTimezone: true, precision: 3 }).notNull(),
    /** Null where no valid key came with the request. */
    keyId: text("key_id"),
    /** The key's name at that time. */
    keyName: text("key_name"),
    /** As the client wrote it; null where the body could not be read. */
    requestedModel: text("requested_model"),
    /** As the upstream named it; null where none was reached. */
    servedModel: text("served_model"),
    provider: text("provider"),
    agentId: text("agent_id"),
    /** The HTTP status sent; 499 when the client went away, and the error's status where a started stream failed. */
    status: integer("status").notNull(),
    /** A code of the proxy's table; null on success. */
    errorCode: text("error_code"),
    /** All input tokens, those from a cache included. */
    promptTokens: integer("prompt_tokens"),
    /** All output tokens, reasoning included. */
    completionTokens: integer("completion_tokens"),
    /** The part of the prompt that was read from a cache. */
    cachedTokens: integer("cached_tokens"),
    /** The part of the completion that was reasoning. */
    reasoningTokens: integer("reasoning_tokens"),
    /** True where the counts are not the upstream's own. */
    tokensEstimated: boolean("tokens_estimated").notNull(),
    /** US dollars, where known. */
    costUsd: doublePrecision("cost_usd"),
    /** From arrival to the first output, in milliseconds. */
    firstTokenMs: doublePrecision("first_token_ms"),
    /** From arrival to the end, in milliseconds. */
    totalMs: doublePrecision("total_ms").notNull(),
    /** Whether the client asked for a stream. */
    streamed: boolean("streamed").notNull(),
    /** Whether the client left before the end. */
    clientGone: boolean("client_gone").notNull(),
    /** Targets tried, failed ones included. */
    attempts: integer("attempts").notNull(),
  },
  // Serves queries/recent-requests.ts: read backwards, it gives the newest rows without a sort of the whole log.
  (table) => [index("requests_created_at_id_index").on(table.createdAt, table.id)],
);
