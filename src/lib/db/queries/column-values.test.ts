import { describe, expect, it } from "vitest";
import { toAmountColumn, toIntegerColumn, toTextColumn, toTimeColumn } from "./column-values.ts";

describe("toIntegerColumn", () => {
  it.each([
    [12, 12],
    [null, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, 2_147_483_647],
    [2 ** 31, 2_147_483_647],
    [1e300, 2_147_483_647],
    [-5, 0],
    [1.9, 1],
  ])("turns %d into %d", (value, stored) => expect(toIntegerColumn(value)).toBe(stored));
});

describe("toAmountColumn", () => {
  it.each([
    [0.25, 0.25],
    [null, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [-1, 0],
  ])("turns %d into %d", (value, stored) => expect(toAmountColumn(value)).toBe(stored));
});

describe("toTimeColumn", () => {
  it.each([
    [1_800_000_000_000, 1_800_000_000_000],
    [-1, 0],
    [8.64e15, Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
    [Number.NaN, 7000],
    [Number.POSITIVE_INFINITY, 7000],
  ])("turns %d into %d", (timeMs, stored) => expect(toTimeColumn(timeMs, 7000)).toBe(stored));
});

describe("toTextColumn", () => {
  it("replaces what PostgreSQL refuses and nothing else", () => {
    expect(toTextColumn("nul \0 half \ud800 whole \u{1f600}")).toBe("nul \ufffd half \ufffd whole \u{1f600}");
  });

  it("cuts what is long, also in the middle of a pair", () => {
    expect(toTextColumn("x".repeat(1e6))).toBe("x".repeat(500));
    expect(toTextColumn(`${"x".repeat(499)}\u{1f600}`)).toBe(`${"x".repeat(499)}\ufffd`);
  });
});
