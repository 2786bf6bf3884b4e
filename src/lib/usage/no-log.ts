import type { LogWriter } from "./log-writer.ts";

/** The request log where it is switched off: takes every record, from whichever process, and keeps none. */
export const NO_LOG: LogWriter = {
  record: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
  lost: () => undefined,
  dropped: 0,
  written: 0,
};
