import { expect, test } from "vitest";
import { atEndOfTurn, endOfTurn } from "./end-of-turn.ts";

test("all who ask in one turn go on in a row, in the order they asked, after everything else of the turn", async () => {
  const seen: string[] = [];
  const first = endOfTurn().then(() => seen.push("first"));
  const second = endOfTurn().then(() => seen.push("second"));
  process.nextTick(() => seen.push("next tick"));
  queueMicrotask(() => seen.push("microtask"));
  await Promise.all([first, second]);
  expect(seen.toSorted()).toEqual(["first", "microtask", "next tick", "second"]);
  expect(seen.slice(2)).toEqual(["first", "second"]);
});

test("who asks at the end of a turn gets the end of the next one", async () => {
  const ends: Promise<void>[] = [endOfTurn()];
  await ends[0];
  ends.push(endOfTurn());
  expect(ends[1]).not.toBe(ends[0]);
  await ends[1];
});

test("tasks run once, in order, and one that is given by a task runs at the end of the next turn", async () => {
  const seen: string[] = [];
  atEndOfTurn(() => {
    seen.push("first");
    atEndOfTurn(() => seen.push("later"));
  });
  atEndOfTurn(() => seen.push("second"));
  expect(seen).toEqual([]);
  await endOfTurn();
  expect(seen).toEqual(["first", "second"]);
  await endOfTurn();
  expect(seen).toEqual(["first", "second", "later"]);
});

test("a task that throws stops none of the others, and its exception is not swallowed", async () => {
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const caught = new Promise<unknown>((resolve) => process.once("uncaughtException", resolve));
  const seen: string[] = [];
  try {
    atEndOfTurn(() => {
      throw new Error("broken");
    });
    atEndOfTurn(() => seen.push("the other"));
    expect(await caught).toEqual(new Error("broken"));
    expect(seen).toEqual(["the other"]);
  } finally {
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});
