/** Hours of the day in local time, as `--hours` gives them. */

/** Minutes since midnight. `to` is not within; where it lies before `from` the hours pass midnight. */
export interface DailyHours {
  readonly from: number;
  readonly to: number;
}

const MINUTES_PER_DAY = 24 * 60;

/** Reads `09:00-18:00`; `24:00` may be an end. Undefined for anything else, hours that are empty included. */
export function parseHours(text: string): DailyHours | undefined {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]|24(?=:00)):([0-5]\d)$/.exec(text) ?? [];
  if (fromHour === undefined) return undefined;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  return from === to ? undefined : { from, to };
}

/** `09:00-18:00`. */
export function formatHours({ from, to }: DailyHours): string {
  return `${formatMinutes(from)}-${formatMinutes(to)}`;
}

/** Whether a moment lies within any of the hours, by its local time. */
export function isWithinHours(hours: readonly DailyHours[], moment: Date): boolean {
  const minutes = moment.getHours() * 60 + moment.getMinutes();
  return hours.some(({ from, to }) =>
    from < to ? minutes >= from && minutes < to : minutes >= from || minutes < to % MINUTES_PER_DAY,
  );
}

/**
 * The first moment after `moment` at which any of the hours begins, in epoch milliseconds; undefined without hours. A time
 * that a change of the clocks leaves out is taken as `Date` takes it.
 */
export function nextOpening(hours: readonly DailyHours[], moment: Date): number | undefined {
  const openings = hours.flatMap(({ from }) =>
    [0, 1, 2].map((days) =>
      new Date(moment.getFullYear(), moment.getMonth(), moment.getDate() + days, 0, from).getTime(),
    ),
  );
  const later = openings.filter((opening) => opening > moment.getTime());
  return later.length === 0 ? undefined : Math.min(...later);
}

/** The midnight that ends the local day of a moment, in epoch milliseconds. */
export function endOfDay(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate() + 1).getTime();
}

/** The local day of a moment, such as `2026-11-25`. */
export function dayOf(moment: Date): string {
  const pad = (value: number, length: number): string => String(value).padStart(length, "0");
  return `${pad(moment.getFullYear(), 4)}-${pad(moment.getMonth() + 1, 2)}-${pad(moment.getDate(), 2)}`;
}

function formatMinutes(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
