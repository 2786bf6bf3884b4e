import { DatabaseError } from "pg";
import { GatewayError } from "../http/errors.ts";

/** The driver's own error: drizzle wraps it in one whose message holds the statement and its parameters. */
function rootCause(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  return current;
}

/**
 * Whether PostgreSQL refused a value itself: SQLSTATE class 22 (data exception), 23 (integrity constraint violation)
 * or 54 (program limit exceeded). Every other failure may pass with time: the server away, starting, full, or not
 * migrated yet.
 */
export function isDataError(error: unknown): boolean {
  const cause = rootCause(error);
  return cause instanceof DatabaseError && /^(2[23]|54)/.test(cause.code ?? "");
}

/** Why a query failed, in one line for the log, without the statement or its parameters. */
export function describeDatabaseError(error: unknown): string {
  const cause = rootCause(error);
  if (!(cause instanceof Error)) return "unknown error";
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  // The message of an error about a value may quote it.
  if (isDataError(cause)) return `SQLSTATE ${code}`;
  return [code, cause.message].filter((part) => part !== undefined && part !== "").join(": ");
}

/** A failed query as the error that clients see: 400 where a value was refused, else 503. Nothing of the query is in it. */
export function toDatabaseError(error: unknown): GatewayError {
  const cause = rootCause(error);
  if (isDataError(cause))
    return new GatewayError("invalid_value", "The database refuses a value of this request.", { cause });
  return new GatewayError("database_unavailable", "The database is unavailable.", { retryAfterMs: 1000, cause });
}

/** The result of a query; what it rejects with becomes {@link toDatabaseError}. */
export async function orUnavailable<Value>(query: Promise<Value>): Promise<Value> {
  try {
    return await query;
  } catch (error) {
    throw toDatabaseError(error);
  }
}
