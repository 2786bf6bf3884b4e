import { sql } from "drizzle-orm";
import type { RequestRecord } from "../../usage/record.ts";
import type { Database } from "../client.ts";
import { requests } from "../schema/requests.ts";
import { toAmountColumn, toIntegerColumn, toTextColumn, toTimeColumn } from "./column-values.ts";

const orNull = (text: string | null): string | null => (text === null ? null : toTextColumn(text));

/** The record as a JSON object whose keys are the columns' names, each value one that its column takes. */
function toRow(record: RequestRecord, nowMs: number): Record<string, unknown> {
  return {
    id: toTextColumn(record.id),
    created_at: toTimeColumn(record.createdAtMs, nowMs),
    key_id: orNull(record.keyId),
    key_name: orNull(record.keyName),
    requested_model: orNull(record.requestedModel),
    served_model: orNull(record.servedModel),
    provider: orNull(record.provider),
    agent_id: orNull(record.agentId),
    status: toIntegerColumn(record.status) ?? 0,
    error_code: orNull(record.errorCode),
    prompt_tokens: toIntegerColumn(record.promptTokens),
    completion_tokens: toIntegerColumn(record.completionTokens),
    cached_tokens: toIntegerColumn(record.cachedTokens),
    reasoning_tokens: toIntegerColumn(record.reasoningTokens),
    tokens_estimated: record.tokensEstimated,
    cost_usd: toAmountColumn(record.costUsd),
    first_token_ms: toAmountColumn(record.firstTokenMs),
    total_ms: toAmountColumn(record.totalMs) ?? 0,
    streamed: record.streamed,
    client_gone: record.clientGone,
    attempts: toIntegerColumn(record.attempts) ?? 0,
  };
}

/**
 * Writes rows of the request log in one statement; rows whose id is there already are left alone, so a batch whose
 * answer was lost may be sent again. The rows travel as one JSON parameter, which costs the event loop a fraction of
 * what 21 parameters per row do.
 */
export async function insertRequests({ db }: Pick<Database, "db">, records: readonly RequestRecord[]): Promise<void> {
  const nowMs = Date.now();
  const rows = JSON.stringify(records.map((record) => toRow(record, nowMs)));
  await db.execute(
    sql`insert into ${requests} select * from json_populate_recordset(null::${requests}, ${rows}::json) on conflict (id) do nothing`,
  );
}
