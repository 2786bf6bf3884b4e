import type { Database } from "../db/client.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { deleteRequestsBefore, vacuumRequests } from "../db/queries/delete-requests.ts";
import type { Logger } from "../telemetry/logger.ts";

const DAY_MS = 24 * 60 * 60_000;

export interface LogRetentionOptions {
  readonly database: Pick<Database, "db" | "kind">;
  readonly logger: Logger;
  /** Rows that are older are deleted; 0 keeps all for ever. */
  readonly days: number;
  /** From the end of one run to the next, in milliseconds. */
  readonly intervalMs?: number;
  /** From the start to the first run, in milliseconds. */
  readonly firstRunMs?: number;
  /** Rows in one statement: others wait for the embedded database as long as it takes. */
  readonly batchMax?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Deletes old rows of the request log: a minute after the start and then every hour, in batches, until `stop`. A
 * failure is logged, and the next run makes up for it. Does not keep the process alive.
 */
export function startLogRetention(options: LogRetentionOptions): { stop(): void } {
  const { database, logger, days, intervalMs = 60 * 60_000, firstRunMs = 60_000 } = options;
  const { batchMax = 5000, now = Date.now } = options;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const deleteOld = async (): Promise<number> => {
    const beforeMs = now() - days * DAY_MS;
    let deleted = 0;
    for (;;) {
      const count = await deleteRequestsBefore(database, beforeMs, batchMax);
      deleted += count;
      if (count < batchMax || isStopped) return deleted;
    }
  };

  const run = async (): Promise<void> => {
    try {
      const deleted = await deleteOld();
      if (deleted > 0 && database.kind === "embedded" && !isStopped) await vacuumRequests(database);
      if (deleted > 0) logger.info({ deleted, days }, "old rows of the request log were deleted");
    } catch (error) {
      if (!isStopped) {
        logger.warn({ reason: describeDatabaseError(error) }, "old rows of the request log could not be deleted");
      }
    }
    schedule(intervalMs);
  };

  const schedule = (delayMs: number): void => {
    if (!isStopped) timer = setTimeout(() => void run(), delayMs).unref();
  };

  if (days > 0) schedule(firstRunMs);
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
