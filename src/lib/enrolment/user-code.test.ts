import { expect, test } from "vitest";
import { generateUserCode, normalizeUserCode } from "./user-code.ts";

test("a code has eight of twenty consonants, over 30 bits, and all of them occur", () => {
  const codes = Array.from({ length: 500 }, generateUserCode);
  for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  expect(new Set(codes.join("").replaceAll("-", "")).size).toBe(20);
  expect(8 * Math.log2(20)).toBeGreaterThan(30);
});

test("a code is known however its case, spaces and dash are typed", () => {
  for (const typed of ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k"]) {
    expect(normalizeUserCode(typed)).toBe("BCDF-GHJK");
  }
});
