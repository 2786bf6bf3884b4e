/** The agent's log: JSON lines without a terminal, short lines on one. Never prompts, answers or secrets. */
import { LOG_LEVELS, type LogLevel } from "./options.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type LogFunction = (message: string, fields?: LogFields) => void;
export type AgentLogger = Readonly<Record<LogLevel, LogFunction>>;

export interface LogEntry {
  readonly level: LogLevel;
  readonly time: Date;
  readonly message: string;
  readonly fields: LogFields;
}

/** Builds a logger that hands entries of `level` and above to `write`. */
export function createLogger(level: LogLevel, write: (entry: LogEntry) => void): AgentLogger {
  const threshold = LOG_LEVELS.indexOf(level);
  const at = (entryLevel: LogLevel): LogFunction =>
    LOG_LEVELS.indexOf(entryLevel) > threshold
      ? () => undefined
      : (message, fields = {}) => write({ level: entryLevel, time: new Date(), message, fields });
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** One JSON line: level, time (ISO 8601), msg, then the fields. */
export function formatJsonLine(entry: LogEntry): string {
  return `${JSON.stringify({ level: entry.level, time: entry.time.toISOString(), msg: entry.message, ...entry.fields })}\n`;
}

/** One line for a person: local time, level unless info, message, `key=value` fields. */
export function formatPlainLine(entry: LogEntry): string {
  const label = entry.level === "info" ? "" : `${entry.level}: `;
  const fields = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${printable(String(value))}`);
  return `${entry.time.toTimeString().slice(0, 8)} ${label}${[printable(entry.message), ...fields].join("  ")}\n`;
}

/**
 * What steers a terminal, turns the direction of text, or takes room or none without being seen: control characters and what
 * Unicode says is ignored where it cannot be shown, apart from the selectors of a character's form, with the blank of
 * Braille and the marks of annotations.
 */
const UNPRINTABLE =
  /(?!\p{Variation_Selector})[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800\ufff9-\ufffb]/gu;

/** Text from elsewhere without control characters, and without what turns or hides text, so that it cannot steer the terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, " ");
}

/** A logger that says nothing. */
export const silentLogger: AgentLogger = createLogger("error", () => undefined);
