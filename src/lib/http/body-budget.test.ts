import { describe, expect, it } from "vitest";
import { BodyBudget } from "./body-budget.ts";

const MIB = 1024 * 1024;
const refusal = expect.objectContaining({ code: "too_many_bodies", status: 503, retryAfterMs: 1000 });

describe("BodyBudget", () => {
  it("bounds what is held over all requests, and takes back what they release", () => {
    const budget = new BodyBudget(16 * MIB);
    const first = budget.open();
    first.take(10 * MIB);
    const second = budget.open();
    expect(() => second.take(5 * MIB)).toThrow(refusal);
    expect(budget.heldBytes).toBe(10 * MIB);
    first.release();
    first.release();
    second.take(5 * MIB);
    expect(budget.heldBytes).toBe(5 * MIB);
    second.release();
    expect(budget.heldBytes).toBe(0);
  });

  it("lets a body that is alone in, however large", () => {
    const budget = new BodyBudget(1 * MIB);
    const alone = budget.open();
    alone.take(MIB);
    alone.take(MIB);
    expect(() => budget.open().take(1)).toThrow(refusal);
    alone.release();
    budget.open().take(1);
  });

  it("keeps an eighth for small bodies", () => {
    const budget = new BodyBudget(16 * MIB);
    budget.open().take(1);
    budget.open().take(14 * MIB - 1);
    expect(() => budget.open().take(65_537)).toThrow(refusal);
    for (let small = 0; small < 32; small += 1) budget.open().take(65_536);
    expect(budget.heldBytes).toBe(16 * MIB);
    expect(() => budget.open().take(1)).toThrow(refusal);
  });
});
