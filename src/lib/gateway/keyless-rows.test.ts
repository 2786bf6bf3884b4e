import { expect, it } from "vitest";
import type { RequestRecord } from "../usage/record.ts";
import { createKeylessRowBudget } from "./keyless-rows.ts";

const row = (keyId: string | null): RequestRecord => ({ keyId }) as RequestRecord;

it("keeps every row with a key, and of those without one twenty at once and one a second", () => {
  let now = 0;
  const keeps = createKeylessRowBudget(() => now);
  const kept = Array.from({ length: 100 }, () => keeps(row(null))).filter(Boolean);
  expect(kept).toHaveLength(20);
  expect(keeps(row("key_1"))).toBe(true);
  now += 2500;
  expect([keeps(row(null)), keeps(row(null)), keeps(row(null))]).toEqual([true, true, false]);
});
