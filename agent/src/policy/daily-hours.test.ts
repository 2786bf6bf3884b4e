import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dayOf, endOfDay, formatHours, isWithinHours, nextOpening, parseHours } from "./daily-hours.ts";

const zone = process.env["TZ"];
beforeEach(() => {
  process.env["TZ"] = "Europe/Berlin";
});
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

const at = (time: string, day = "2026-11-25"): Date => new Date(`${day}T${time}`);
const hours = (text: string) => {
  const parsed = parseHours(text);
  if (parsed === undefined) throw new Error("malformed");
  return [parsed];
};

describe("hours of the day", () => {
  it.each([
    "9",
    "09:00",
    "24:00-09:00",
    "09:00-24:01",
    "25:00-26:00",
    "09:60-10:00",
    "09:00-09:00",
    "-",
    "09:00-18:00x",
  ])("do not take %j", (text) => expect(parseHours(text)).toBeUndefined());

  it("are written as they are read", () => {
    for (const text of ["09:00-18:00", "22:30-06:05", "00:00-24:00"]) {
      expect(formatHours(hours(text)[0] ?? { from: 0, to: 0 })).toBe(text);
    }
    expect(parseHours("9:00-17:00")).toEqual({ from: 540, to: 1020 });
  });

  it("include their beginning and not their end", () => {
    const day = hours("09:00-18:00");
    expect(["08:59:59", "09:00:00", "17:59:59", "18:00:00"].map((time) => isWithinHours(day, at(time)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("may pass midnight, and there may be several", () => {
    const night = [...hours("22:00-06:00"), ...hours("12:00-13:00")];
    const times = ["21:59:00", "22:00:00", "23:59:59", "00:00:00", "05:59:00", "06:00:00", "12:30:00"];
    expect(times.map((time) => isWithinHours(night, at(time)))).toEqual([false, true, true, true, true, false, true]);
  });

  it("begin again at the next of their beginnings, today or tomorrow", () => {
    const two = [...hours("09:00-12:00"), ...hours("14:00-18:00")];
    expect(nextOpening(two, at("12:30:00"))).toBe(at("14:00:00").getTime());
    expect(nextOpening(two, at("18:30:00"))).toBe(at("09:00:00", "2026-11-26").getTime());
    expect(nextOpening([], at("18:30:00"))).toBeUndefined();
  });

  it("keep to local time over a change of the clocks", () => {
    // The clocks go forward on 29 March 2026 and back on 25 October 2026.
    expect(nextOpening(hours("09:00-12:00"), at("18:00:00", "2026-03-28"))).toBe(
      at("09:00:00", "2026-03-29").getTime(),
    );
    expect(endOfDay(at("12:00:00", "2026-10-25")) - at("00:00:00", "2026-10-25").getTime()).toBe(25 * 3_600_000);
    expect(dayOf(at("23:59:59", "2026-03-29"))).toBe("2026-03-29");
  });
});
