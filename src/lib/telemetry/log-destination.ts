import { constants, fstatSync, openSync } from "node:fs";
import { pino, type DestinationStream } from "pino";

/** UTF-16 units that are gathered before they are written: some sixty request lines. Each piece wakes a thread of the pool. */
const BATCH_LENGTH = 32 * 1024;
/** How long a line waits for company, in milliseconds. */
const BATCH_MS = 100;
/** Bytes that wait for a reader that is slow; what comes beyond them is dropped and counted. */
const MAX_BYTES = 1024 * 1024;

export interface LogDestination extends DestinationStream {
  /** Lines that found no room. */
  dropped(): number;
  /** Writes what is gathered, as far as the reader takes it at once, and ends. Later lines are lost. */
  close(): void;
}

/**
 * Standard error for JSON lines: written off the event loop, in pieces of several lines, with a bounded buffer. A reader
 * that has stopped reading costs lines, never memory or time. A pipe is opened anew without blocking, since a write that
 * blocks would hold a thread of the pool, and the end of the process, until somebody reads. What is gathered is written
 * when the process exits.
 */
export function openLogDestination(fd = 2): LogDestination {
  let gathered = "";
  let lines = 0;
  let dropped = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const stream = pino.destination({
    fd: openPipe(fd) ?? fd,
    sync: false,
    maxLength: MAX_BYTES,
    retryEAGAIN: () => !isClosed,
  });
  // A batch at a time; the event comes from within `write`.
  stream.on("drop", () => {
    dropped += lines;
  });
  // A reader that is gone (EPIPE) must not end the proxy.
  stream.on("error", () => undefined);

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines > 0) stream.write(gathered);
    gathered = "";
    lines = 0;
  };
  const close = (): void => {
    if (isClosed) return;
    process.off("exit", close);
    flush();
    isClosed = true;
    try {
      stream.flushSync();
    } catch {
      // Nobody reads: the rest is lost, as it would be with a reader that is slow.
    }
    stream.destroy();
  };
  process.prependListener("exit", close);
  return {
    write(line) {
      if (isClosed) return;
      gathered += line;
      lines += 1;
      if (gathered.length >= BATCH_LENGTH) flush();
      else timer ??= setTimeout(flush, BATCH_MS).unref();
    },
    dropped: () => dropped,
    close,
  };
}

/** The pipe behind a file descriptor, opened without blocking; undefined for anything else, or where it may not be. */
function openPipe(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO()) return undefined;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
