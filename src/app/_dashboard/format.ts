/** Pure text helpers of the dashboard. English throughout, since the page is; times of day are the reader's. */

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY_AND_CLOCK = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** Whole number with thousands separators: `12,345`. */
export function formatCount(value: number): string {
  return NUMBER.format(value);
}

/** Tokens as the log has them: `1,234`, `~1,234` when estimated, `undefined` when unknown. */
export function formatTokens(value: number | null, estimated: boolean): string | undefined {
  if (value === null) return undefined;
  return estimated ? `~${formatCount(value)}` : formatCount(value);
}

/** How long something has been going on, to the second: `7 s`, `3 min 05 s`, `2 h 04 min`, `3 d 4 h`. */
export function formatAge(ms: number): string {
  const age = Math.max(0, ms);
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ${twoDigits(Math.floor((age % MINUTE) / SECOND))} s`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ${twoDigits(Math.floor((age % HOUR) / MINUTE))} min`;
  return `${Math.floor(age / DAY)} d ${Math.floor((age % DAY) / HOUR)} h`;
}

/** A round trip: `0.4 ms`, `12 ms`, `1,250 ms`. */
export function formatRoundTrip(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${formatCount(ms)} ms`;
}

/** Time of day of an ISO 8601 time; with the day in front where that is not the day of `now`. */
export function formatTime(time: string, now: string): string {
  const at = new Date(time);
  return at.toDateString() === new Date(now).toDateString() ? CLOCK.format(at) : DAY_AND_CLOCK.format(at);
}

/** `1 agent`, `2 agents`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
