/**
 * Numbers and text as PostgreSQL stores them, whatever an upstream or a client sent: a row of the request log with a
 * value at its bound is worth more than none.
 */

/** The largest value of PostgreSQL's `integer`. */
export const INTEGER_MAX = 2_147_483_647;
/** The end of the year 9999: later times are written with a sign, which PostgreSQL does not read. */
const TIME_MAX_MS = 253_402_300_799_999;
const TEXT_MAX = 500;

/** A count within the bounds of `integer`; NaN is unknown, so null. */
export function toIntegerColumn(value: number | null): number | null {
  if (value === null || Number.isNaN(value)) return null;
  return Math.trunc(Math.min(INTEGER_MAX, Math.max(0, value)));
}

/** A finite amount that is not negative; NaN and Infinity are unknown, so null. */
export function toAmountColumn(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.max(0, value);
}

/** A time in milliseconds since the epoch, within the years 1970 to 9999; what is no time becomes `otherwiseMs`. */
export function toTimeColumn(timeMs: number, otherwiseMs: number): number {
  const known = Number.isFinite(timeMs) ? timeMs : otherwiseMs;
  return Math.min(TIME_MAX_MS, Math.max(0, known));
}

const UNSTORABLE = /[\0\ud800-\udfff]/;

/** Text without NUL and without halves of surrogate pairs, which become U+FFFD, cut after 500 UTF-16 units. */
export function toTextColumn(text: string): string {
  const cut = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text;
  return UNSTORABLE.test(cut) ? cut.replaceAll("\0", "\ufffd").toWellFormed() : cut;
}
