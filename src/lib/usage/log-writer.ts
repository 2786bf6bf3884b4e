import type { Database } from "../db/client.ts";
import { describeDatabaseError, isDataError } from "../db/errors.ts";
import { insertRequests } from "../db/queries/insert-requests.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { RequestRecord } from "./record.ts";

export interface LogWriterOptions {
  readonly database: Pick<Database, "db">;
  readonly logger: Logger;
  /** Records kept while the database is away or slow; beyond it the oldest are dropped. */
  readonly maxQueue?: number;
  /** Records in one insert. */
  readonly batchMax?: number;
  /** How long a record waits for company, in milliseconds. */
  readonly flushIntervalMs?: number;
  /** How long `close` tries to empty the queue, in milliseconds. */
  readonly closeTimeoutMs?: number;
}

/** Writes the request log off the hot path. */
export interface LogWriter {
  /** Queues a record. Never throws, never waits. */
  record(record: RequestRecord): void;
  /** Resolves when all that was queued is written, or when an attempt to write failed. Never rejects. */
  flush(): Promise<void>;
  /** Writes what is queued, retrying for a bounded time, and drops the rest. Never rejects. */
  close(): Promise<void>;
  /** Counts records that were lost before they came here. */
  lost(count: number): void;
  /** Records lost so far: pushed out of the queue, refused by the database, or left at the end. */
  readonly dropped: number;
  /** Records written so far. */
  readonly written: number;
}

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;

/** See {@link LogWriter}. Batches by size and interval; a batch whose fate is unknown is sent again, which its ids make safe. */
export function createLogWriter(options: LogWriterOptions): LogWriter {
  const { database, logger } = options;
  const { maxQueue = 10_000, batchMax = 250, flushIntervalMs = 250, closeTimeoutMs = 5000 } = options;
  const queue: RequestRecord[] = [];
  let dropped = 0;
  let written = 0;
  let failures = 0;
  let sending = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const schedule = (delayMs: number): void => {
    if (timer !== undefined || isClosed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void write();
    }, delayMs).unref();
  };

  const drop = (count: number, reason: string): void => {
    if (count === 0) return;
    dropped += count;
    logger.error({ count, dropped, reason }, "request records were dropped");
  };

  /** Writes a batch of which at least one record is refused, one by one. */
  const writeSingly = async (batch: readonly RequestRecord[]): Promise<void> => {
    for (const record of batch) {
      try {
        await insertRequests(database, [record]);
        written += 1;
      } catch (error) {
        if (!isDataError(error)) throw error;
        drop(1, describeDatabaseError(error));
      }
    }
  };

  const writeBatch = async (batch: readonly RequestRecord[]): Promise<void> => {
    try {
      await insertRequests(database, batch);
      written += batch.length;
    } catch (error) {
      if (!isDataError(error)) throw error;
      await writeSingly(batch);
    }
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchMax);
      sending = batch.length;
      try {
        await writeBatch(batch);
        failures = 0;
      } catch (error) {
        // The records that came meanwhile are newer; what no longer fits is the oldest of the batch.
        const room = isClosed ? 0 : Math.max(0, maxQueue - queue.length);
        const kept = room === 0 ? [] : batch.slice(-room);
        drop(batch.length - kept.length, isClosed ? "the log is closed" : "the queue is full");
        queue.unshift(...kept);
        if (failures === 0) logger.warn({ reason: describeDatabaseError(error) }, "the request log cannot be written");
        failures += 1;
        return;
      } finally {
        sending = 0;
      }
    }
  };

  const write = (): Promise<void> => {
    writing ??= drain().finally(() => {
      writing = undefined;
      if (queue.length > 0) schedule(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1)));
    });
    return writing;
  };

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // What is under way may have begun before the newest records came; it takes them along or leaves them queued.
    await write();
    if (queue.length > 0 && failures === 0) await write();
  };

  return {
    record(record) {
      if (isClosed) return drop(1, "the log is closed");
      if (queue.length >= maxQueue) {
        queue.shift();
        dropped += 1;
        if (dropped % 1000 === 1) logger.error({ dropped }, "the request log's queue is full: the oldest are dropped");
      }
      queue.push(record);
      if (failures > 0) return;
      if (queue.length >= batchMax && writing === undefined) void flush();
      else schedule(flushIntervalMs);
    },
    lost: (count) => drop(count, "they were lost on their way from a worker"),
    flush,
    async close() {
      const deadline = Date.now() + closeTimeoutMs;
      for (;;) {
        const remainingMs = deadline - Date.now();
        if (queue.length === 0 && writing === undefined) break;
        if (remainingMs <= 0) break;
        await within(flush(), remainingMs);
        if (queue.length > 0) await within(undefined, Math.min(RETRY_MIN_MS, remainingMs));
      }
      isClosed = true;
      clearTimeout(timer);
      drop(queue.splice(0).length, "the database was away at the end");
      if (sending > 0) logger.warn({ count: sending }, "request records may be lost: their write was not confirmed");
    },
    get written() {
      return written;
    },
    get dropped() {
      return dropped;
    },
  };
}

/** Resolves when the promise does, or when time is up; without a promise, when time is up. */
async function within(promise: Promise<void> | undefined, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void promise?.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
