import { sql } from "drizzle-orm";
import type { RequestRecord } from "../../usage/record.ts";
import type { Database } from "../client.ts";
import { requests } from "../schema/requests.ts";
import { toAmountColumn, toIntegerColumn, toTextColumn, toTimeColumn } from "./column-values.ts";

const orNull = (text: string | null): string | null => (text === null ? null : toTextColumn(text));

/** The record's values in the order of {@link COLUMNS}, each one that its column takes. */
function toRow(record: RequestRecord, nowMs: number): readonly (string | number | boolean | null)[] {
  return [
    toTextColumn(record.id),
    toTimeColumn(record.createdAtMs, nowMs),
    orNull(record.keyId),
    orNull(record.keyName),
    orNull(record.requestedModel),
    orNull(record.servedModel),
    orNull(record.provider),
    orNull(record.agentId),
    toIntegerColumn(record.status) ?? 0,
    orNull(record.errorCode),
    toIntegerColumn(record.promptTokens),
    toIntegerColumn(record.completionTokens),
    toIntegerColumn(record.cachedTokens),
    toIntegerColumn(record.reasoningTokens),
    record.tokensEstimated,
    toAmountColumn(record.costUsd),
    toAmountColumn(record.firstTokenMs),
    toAmountColumn(record.totalMs) ?? 0,
    record.streamed,
    record.clientGone,
    toIntegerColumn(record.attempts) ?? 0,
  ];
}

/** The columns, and how each reads its value, which is the text of one element of a JSON array. */
const COLUMNS: readonly (readonly [column: keyof typeof requests.$inferInsert, type: string])[] = [
  ["id", "text"],
  ["createdAt", "milliseconds"],
  ["keyId", "text"],
  ["keyName", "text"],
  ["requestedModel", "text"],
  ["servedModel", "text"],
  ["provider", "text"],
  ["agentId", "text"],
  ["status", "integer"],
  ["errorCode", "text"],
  ["promptTokens", "integer"],
  ["completionTokens", "integer"],
  ["cachedTokens", "integer"],
  ["reasoningTokens", "integer"],
  ["tokensEstimated", "boolean"],
  ["costUsd", "double precision"],
  ["firstTokenMs", "double precision"],
  ["totalMs", "double precision"],
  ["streamed", "boolean"],
  ["clientGone", "boolean"],
  ["attempts", "integer"],
];

const COLUMN_NAMES = COLUMNS.map(([column]) => requests[column].name).join(", ");
const VALUES = COLUMNS.map(([, type], index) => {
  if (type === "milliseconds") return `to_timestamp((r->>${index})::double precision / 1000)`;
  return type === "text" ? `r->>${index}` : `(r->>${index})::${type}`;
}).join(", ");

/**
 * Writes rows of the request log in one statement; rows whose id is there already are left alone, so a batch whose
 * answer was lost may be sent again. The rows travel as one JSON parameter, each as a bare array, which costs the event
 * loop a fraction of what 21 parameters or 21 named values per row do.
 */
export async function insertRequests({ db }: Pick<Database, "db">, records: readonly RequestRecord[]): Promise<void> {
  const nowMs = Date.now();
  const rows = JSON.stringify(records.map((record) => toRow(record, nowMs)));
  await db.execute(
    sql`insert into ${requests} (${sql.raw(COLUMN_NAMES)}) select ${sql.raw(VALUES)} from jsonb_array_elements(${rows}::jsonb) as r on conflict (id) do nothing`,
  );
}
