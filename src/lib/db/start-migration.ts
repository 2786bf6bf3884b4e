import type { Logger } from "../telemetry/logger.ts";
import type { Database } from "./client.ts";
import { describeDatabaseError } from "./errors.ts";

const RETRY_MS = 5000;
/** A start does not wait longer than this for a database that is away. */
const FIRST_TRY_MS = 10_000;

export interface Migration {
  /** Resolves when the database is up to date; stays pending while it is not. */
  readonly done: Promise<void>;
  /** Ends the trying. */
  stop(): void;
}

/**
 * Brings the database up to date. Resolves when it is, or after a failed first try (or ten seconds), and then goes on
 * trying every five seconds in the background until it succeeds or `stop` is called. Never rejects.
 */
export async function startMigration(database: Pick<Database, "migrate">, logger: Logger): Promise<Migration> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const done = Promise.withResolvers<void>();
  const attempt = async (): Promise<void> => {
    try {
      await database.migrate();
      done.resolve();
    } catch (error) {
      logger.error(
        { reason: describeDatabaseError(error) },
        "the database could not be brought up to date; trying again",
      );
      if (!isStopped) timer = setTimeout(() => void attempt(), RETRY_MS).unref();
    }
  };
  const patience = Promise.withResolvers<void>();
  const patienceTimer = setTimeout(patience.resolve, FIRST_TRY_MS).unref();
  await Promise.race([attempt(), patience.promise]);
  clearTimeout(patienceTimer);
  return {
    done: done.promise,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
