import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";

export type Logger = Pick<PinoLogger, "fatal" | "error" | "warn" | "info" | "debug" | "trace"> & {
  child(bindings: Record<string, unknown>): Logger;
};

/** JSON lines on stderr, so that stdout stays free for what a person asked to be printed. Authorization headers are never logged; redaction is a second net. */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: describeError },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ["authorization", "*.authorization", "headers.cookie", "*.apiKey", "*.secret"],
        censor: "[removed]",
      },
    },
    destination,
  );
}

/** What a log line tells of an Error; its `cause` is left out, since it may quote what a request held. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack } = error;
  return { name, message, stack, ...("code" in error && { code: error.code }) };
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: "silent" });
