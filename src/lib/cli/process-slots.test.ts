import { describe, expect, it } from "vitest";
import { createProcessSlots } from "./process-slots.ts";

const forever = new AbortController().signal;
const options = { limit: 1, maxWaiting: 1, maxWaitMs: 10_000 };

describe("createProcessSlots", () => {
  it("admits up to the limit, then in the order of coming", async () => {
    const slots = createProcessSlots({ ...options, maxWaiting: 2 });
    const release = await slots.acquire(forever);
    const order: string[] = [];
    const first = slots.acquire(forever).then((next) => (order.push("first"), next));
    const second = slots.acquire(forever).then((next) => (order.push("second"), next));
    expect([slots.used, slots.waiting]).toEqual([1, 2]);
    release();
    release();
    (await first)();
    (await second)();
    expect(order).toEqual(["first", "second"]);
    expect([slots.used, slots.waiting]).toEqual([0, 0]);
  });

  it("refuses at once when the queue is full", async () => {
    const slots = createProcessSlots(options);
    const release = await slots.acquire(forever);
    const waiting = slots.acquire(forever);
    await expect(slots.acquire(forever)).rejects.toMatchObject({
      code: "agents_busy",
      status: 429,
      retryAfterMs: 5000,
    });
    release();
    (await waiting)();
  });

  it("refuses after the longest wait, and the place in the queue is free again", async () => {
    const slots = createProcessSlots({ ...options, maxWaitMs: 20 });
    const release = await slots.acquire(forever);
    await expect(slots.acquire(forever)).rejects.toMatchObject({ code: "agents_busy" });
    expect(slots.waiting).toBe(0);
    release();
    expect(slots.used).toBe(0);
  });

  it("lets an aborted request leave the queue without taking a slot", async () => {
    const slots = createProcessSlots(options);
    const release = await slots.acquire(forever);
    const controller = new AbortController();
    const waiting = slots.acquire(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    await expect(slots.acquire(AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    release();
    expect([slots.used, slots.waiting]).toEqual([0, 0]);
  });
});
