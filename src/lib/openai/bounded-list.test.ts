import { describe, expect, it } from "vitest";
import { z } from "zod";
import { boundedList } from "./bounded-list.ts";

describe("boundedList", () => {
  it("gives the parsed elements of a good list", () => {
    const list = boundedList(z.coerce.number(), { min: 1, max: 3 });
    expect(list.parse(["1", "2"])).toEqual([1, 2]);
  });

  it("reports the first wrong element with its path and looks at none after it", () => {
    let looked = 0;
    const element = z.number().refine(() => {
      looked += 1;
      return true;
    });
    const result = z
      .object({ list: boundedList(element, { max: 1000 }) })
      .safeParse({ list: [1, "x", ...Array(900).fill("y")] });
    expect(result.error?.issues).toHaveLength(1);
    expect(result.error?.issues[0]).toMatchObject({ code: "invalid_type", path: ["list", 1] });
    expect(looked).toBe(1);
  });

  it("checks the length before any element", () => {
    const list = boundedList(z.number(), { min: 1, max: 2 });
    expect(list.safeParse([]).error?.issues[0]?.code).toBe("too_small");
    expect(list.safeParse(["a", "b", "c"]).error?.issues[0]?.code).toBe("too_big");
  });
});
