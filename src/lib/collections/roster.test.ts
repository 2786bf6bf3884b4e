import fc from "fast-check";
import { expect, it } from "vitest";
import { Roster, type Seat } from "./roster.ts";

it("holds exactly what came and has not left, whatever leaves when", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (steps) => {
      const roster = new Roster<number>();
      const seats = new Map<number, Seat<number>>();
      for (const item of steps) {
        const seat = seats.get(item);
        if (seat === undefined) {
          seats.set(item, roster.add(item));
        } else {
          roster.remove(seat);
          roster.remove(seat);
          seats.delete(item);
        }
        expect(roster.size).toBe(seats.size);
        expect(new Set(roster.items())).toEqual(new Set(seats.keys()));
      }
    }),
  );
});
