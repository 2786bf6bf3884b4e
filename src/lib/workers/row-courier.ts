import type { Logger } from "../telemetry/logger.ts";
import type { RequestRecord } from "../usage/record.ts";
import type { HomeLine } from "./home-line.ts";
import { MAX_BATCH } from "./messages.ts";

const INTERVAL_MS = 100;
/** A batch that is full goes at once. */
const FULL_BATCH = 100;
const MAX_QUEUE = 10_000;

/** Brings a worker's rows to the home, which writes and shows them. */
export interface RowCourier {
  /** Queues a row. Never throws, never waits; when the queue is full the oldest is lost, which the home counts. */
  record(row: RequestRecord): void;
  /** Resolves when the home has taken all rows, or the last try failed. Never rejects. */
  flush(): Promise<void>;
}

/** One delivery is under way at a time; the rows of one that fails are sent again, which their ids make safe. */
export function createRowCourier(line: Pick<HomeLine, "ask">, logger: Logger): RowCourier {
  const queue: RequestRecord[] = [];
  let lost = 0;
  let timer: NodeJS.Timeout | undefined;
  let delivering: Promise<boolean> | undefined;

  const deliver = async (): Promise<boolean> => {
    const rows = queue.splice(0, MAX_BATCH);
    const lostNow = lost;
    lost = 0;
    try {
      await line.ask({ kind: "rows", rows, lost: lostNow });
      return true;
    } catch {
      lost += lostNow;
      queue.unshift(...rows);
      lost += queue.splice(0, Math.max(0, queue.length - MAX_QUEUE)).length;
      return false;
    }
  };

  const send = (): Promise<boolean> => {
    clearTimeout(timer);
    timer = undefined;
    delivering ??= deliver().finally(() => {
      delivering = undefined;
      if (queue.length > 0) schedule();
    });
    return delivering;
  };

  const schedule = (): void => {
    timer ??= setTimeout(() => void send(), INTERVAL_MS).unref();
  };

  return {
    record(row) {
      if (queue.length >= MAX_QUEUE) {
        queue.shift();
        lost += 1;
        if (lost % 1000 === 1) logger.error({ lost }, "the home process does not take rows: the oldest are lost");
      }
      queue.push(row);
      if (queue.length >= FULL_BATCH && delivering === undefined) void send();
      else schedule();
    },
    async flush() {
      if (queue.length === 0 && delivering === undefined) return;
      do {
        if (!(await send())) return;
      } while (queue.length > 0);
    },
  };
}
