import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { isAlive } from "../../test/is-alive.ts";
import { spawnProcessGroup } from "./process-group.ts";
import { Spares, type Spare, type SparesOptions } from "./spares.ts";

describe("Spares", () => {
  const started: Spare[] = [];
  let spares: Spares<Spare>;

  /** Processes that wait as a CLI does: until their stdin ends. */
  async function start(kind: string): Promise<Spare> {
    const group = await spawnProcessGroup("cat", [], { cwd: "/", environment: { PATH: "/usr/bin:/bin" } });
    const spare = { kind, group, stop: () => group.terminate(0) };
    started.push(spare);
    return spare;
  }
  function create(more: Partial<SparesOptions<Spare>> = {}): Spares<Spare> {
    spares = new Spares({ count: 1, start, hasRoom: () => true, ...more });
    return spares;
  }
  const waiting = async (count: number): Promise<void> => {
    await expect.poll(() => spares.size).toBe(count);
  };

  afterEach(async () => {
    await spares.close();
    await Promise.all(started.map((spare) => spare.stop()));
    expect(started.filter(({ group }) => isAlive(group.pid))).toEqual([]);
    started.length = 0;
  });

  it("starts what is asked for in the background, gives each process once, and only for its kind", async () => {
    create({ count: 2 }).refill("a");
    expect(spares.take("a")).toBeUndefined();
    await waiting(2);
    expect(spares.take("b")).toBeUndefined();
    const taken = ["a", "a", "a"].map((kind) => spares.take(kind));
    expect(new Set(taken.map((spare) => spare?.group.pid)).size).toBe(3);
    expect(taken[2]).toBeUndefined();
    expect(started).toHaveLength(2);
  });

  it("waits for the kind that was asked for last", async () => {
    create().refill("a");
    await waiting(1);
    spares.refill("b");
    await expect.poll(() => spares.take("b")?.kind).toBe("b");
    const [first] = started;
    await expect.poll(() => isAlive(first?.group.pid ?? 0)).toBe(false);
  });

  it("starts no more than may wait, however often it is asked", async () => {
    create({ count: 2 });
    for (let count = 0; count < 20; count += 1) spares.refill("a");
    await waiting(2);
    await wait(50);
    expect(started).toHaveLength(2);
  });

  it("forgets a process that ended by itself", async () => {
    create().refill("a");
    await waiting(1);
    const pid = started[0]?.group.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await waiting(0);
    expect(spares.take("a")).toBeUndefined();
  });

  it("ends what has waited for too long", async () => {
    create({ maxAgeMs: 50 }).refill("a");
    await waiting(1);
    await waiting(0);
    await expect.poll(() => isAlive(started[0]?.group.pid ?? 0)).toBe(false);
  });

  it("starts nothing where there is no room, or where none is wanted, and outlives a start that fails", async () => {
    create({ hasRoom: () => false }).refill("a");
    create({ count: 0 }).refill("a");
    create({ start: () => Promise.reject(new Error("no such program")) }).refill("a");
    await wait(50);
    expect(started).toEqual([]);
    expect(spares.take("a")).toBeUndefined();
  });

  it("ends all at its close, what is just starting too", async () => {
    create({ count: 2 }).refill("a");
    await spares.close();
    expect(spares.size).toBe(0);
    await expect.poll(() => started.filter(({ group }) => isAlive(group.pid))).toEqual([]);
  });
});
