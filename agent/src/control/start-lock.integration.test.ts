import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeStartLock } from "./start-lock.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "codewise-lock-"));
  path = join(folder, "a.lock");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the lock for a start", () => {
  it("is one's alone until it is released, and leaves nothing behind", async () => {
    const first = await takeStartLock(path);
    let isTaken = false;
    const second = takeStartLock(path).then((lock) => {
      isTaken = true;
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([first?.isHeld(), isTaken]).toEqual([true, false]);
    first?.release();
    const lock = await second;
    expect([first?.isHeld(), lock?.isHeld()]).toEqual([false, true]);
    // It is no longer the first one's to release.
    first?.release();
    expect(lock?.isHeld()).toBe(true);
    lock?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is never two's at once, however many find the lock that a killed process has left", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "ignore" });
    await once(child, "spawn");
    child.kill("SIGKILL");
    await once(child, "close");
    writeFileSync(path, `${child.pid}-0\nx`);
    let [held, most, taken] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await takeStartLock(path);
        taken += 1;
        held += 1;
        most = Math.max(most, held);
        await new Promise((resolve) => setTimeout(resolve, 5));
        held -= 1;
        lock?.release();
      }),
    );
    expect([taken, most]).toEqual([8, 1]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is taken from whoever has held it for longer than any start takes", async () => {
    const first = await takeStartLock(path);
    const mark = readFileSync(path, "utf8");
    const minutesAgo = Date.now() / 1000 - 120;
    utimesSync(path, minutesAgo, minutesAgo);
    const second = await takeStartLock(path);
    expect([first?.isHeld(), second?.isHeld()]).toEqual([false, true]);
    expect(readFileSync(path, "utf8")).not.toBe(mark);
    second?.release();
  });

  it("is not waited for without end where its holder lives", { timeout: 15_000 }, async () => {
    const first = await takeStartLock(path);
    expect(await takeStartLock(path)).toBeUndefined();
    first?.release();
  });
});
