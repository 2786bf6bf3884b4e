import { beforeEach, describe, expect, it, vi } from "vitest";
import { BatchedLookup, type BatchedLookupOptions } from "./batched-lookup.ts";

interface Question {
  readonly names: readonly string[];
  readonly answer: (values: Record<string, number>) => void;
  readonly fail: (error: Error) => void;
}

let questions: Question[];
beforeEach(() => {
  questions = [];
});

function newLookup(options: Partial<BatchedLookupOptions<number>> = {}): BatchedLookup<number> {
  return new BatchedLookup({
    load: (names) =>
      new Promise((resolve, reject) => {
        questions.push({ names, answer: (values) => resolve(new Map(Object.entries(values))), fail: reject });
      }),
    minIntervalMs: 0,
    ...options,
  });
}

const asked = (): (readonly string[])[] => questions.map(({ names }) => names);

describe("BatchedLookup", () => {
  it("asks for the first at once, and for all that come meanwhile together, each name once", async () => {
    const lookup = newLookup({ maxRunning: 1 });
    const first = lookup.get("a");
    const others = ["b", "c", "b"].map((name) => lookup.get(name));
    expect(asked()).toEqual([["a"]]);
    questions[0]?.answer({ a: 1 });
    expect(await first).toBe(1);
    await vi.waitFor(() => expect(asked()).toEqual([["a"], ["b", "c"]]));
    questions[1]?.answer({ c: 3 });
    expect(await Promise.all(others)).toEqual([undefined, 3, undefined]);
  });

  it("bounds the names of a question and the questions at once, and asks in the order of arrival", async () => {
    const lookup = newLookup({ maxRunning: 2, maxBatch: 2 });
    void Promise.all(["a", "b", "c", "d", "e"].map((name) => lookup.get(name)));
    expect(asked()).toEqual([["a"], ["b"]]);
    questions[1]?.answer({});
    await vi.waitFor(() => expect(asked()).toEqual([["a"], ["b"], ["c", "d"]]));
    questions[0]?.answer({});
    await vi.waitFor(() => expect(asked()).toEqual([["a"], ["b"], ["c", "d"], ["e"]]));
  });

  it("asks so often a second and no oftener, however the names come", async () => {
    const lookup = newLookup({ minIntervalMs: 50 });
    const startedAt = performance.now();
    for (let name = 0; name < 20; name += 1) {
      const value = lookup.get(`guess-${name}`);
      await vi.waitFor(() => expect(asked().flat()).toContain(`guess-${name}`), { interval: 1 });
      questions.at(-1)?.answer({});
      expect(await value).toBeUndefined();
      if (performance.now() - startedAt > 220) break;
    }
    expect(questions.length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - startedAt) / 50));
  });

  it("fails those whose question failed, and goes on with the others", async () => {
    const lookup = newLookup({ maxRunning: 1 });
    const [first, second] = [lookup.get("a"), lookup.get("b")];
    questions[0]?.fail(new Error("away"));
    await expect(first).rejects.toThrow("away");
    await vi.waitFor(() => expect(questions).toHaveLength(2));
    questions[1]?.answer({ b: 2 });
    expect(await second).toBe(2);
  });

  it("tells to come back what would wait too long, or where too many wait", async () => {
    const lookup = newLookup({ maxRunning: 1, maxWaiting: 2, waitMs: 10 });
    void lookup.get("under way");
    const waiting = [lookup.get("a"), lookup.get("b")];
    const refused = { code: "database_unavailable", retryAfterMs: 1000 };
    await expect(lookup.get("c")).rejects.toMatchObject(refused);
    for (const one of waiting) await expect(one).rejects.toMatchObject(refused);
    const later = lookup.get("d");
    questions[0]?.answer({});
    await vi.waitFor(() => expect(asked()).toEqual([["under way"], ["d"]]));
    questions[1]?.answer({ d: 4 });
    expect(await later).toBe(4);
  });
});
