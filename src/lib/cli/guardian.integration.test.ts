import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createStandInClaude, type StandInClaude } from "../../test/claude-stand-in/create-stand-in.ts";
import { isAlive } from "../../test/is-alive.ts";
import { createGuardian } from "./guardian.ts";
import { spawnProcessGroup, type ProcessGroup } from "./process-group.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function makeFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function waitFor(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if (await condition()) return true;
    await wait(20);
  }
  return condition();
}

describe("the executor's guardian", () => {
  async function startHost(standIn: StandInClaude, workDirectory: string): Promise<ChildProcess> {
    const program = join(import.meta.dirname, "..", "..", "test", "claude-stand-in", "guarded-host.ts");
    const flags = ["--disable-warning=ExperimentalWarning", "--experimental-strip-types"];
    const host = spawn(process.execPath, [...flags, program, standIn.command, workDirectory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanups.push(async () => host.kill("SIGKILL"));
    await once(host.stdout, "data");
    return host;
  }

  it.each([
    ["that ends on SIGTERM", false],
    ["that ignores SIGTERM", true],
  ])(
    "ends a CLI %s, its grandchild and its folder within 2 s of a host killed with SIGKILL",
    async (_, ignoreSigterm) => {
      const workDirectory = await makeFolder("guardian-test-");
      const standIn = await createStandInClaude({
        answer: { type: "generate", seed: 1, characters: 1_000_000 },
        delayMs: 10,
        ignoreSigterm,
        grandchild: "quiet",
      });
      cleanups.push(() => standIn.remove());
      const host = await startHost(standIn, workDirectory);
      const pids = (await standIn.readRecords()).flatMap((record) => ("pid" in record ? [record.pid] : []));
      expect(pids.map(isAlive)).toEqual([true, true]);

      const killedAt = performance.now();
      host.kill("SIGKILL");
      expect(await waitFor(() => !pids.some(isAlive), 2000)).toBe(true);
      expect(performance.now() - killedAt).toBeLessThan(2000);
      expect(await waitFor(async () => (await readdir(workDirectory)).length === 0, 3000)).toBe(true);
    },
  );
});

describe("createGuardian", () => {
  async function startSleeper(): Promise<ProcessGroup> {
    const group = await spawnProcessGroup("sleep", ["600"], {
      cwd: "/",
      environment: { PATH: process.env["PATH"] ?? "" },
    });
    cleanups.push(() => group.terminate(0));
    return group;
  }

  it("ends what is named when it is let go, and leaves what was removed alone", async () => {
    const guardian = createGuardian(await makeFolder("codewise-cli-"));
    const [kept, removed] = [await startSleeper(), await startSleeper()];
    guardian.add(removed.pid);
    guardian.add(kept.pid);
    guardian.remove(removed.pid);
    guardian.close();
    expect(await kept.exited).toEqual({ exitCode: null, signal: "SIGTERM" });
    expect(isAlive(removed.pid)).toBe(true);
  });

  it("is started again with all its groups when it was killed itself", async () => {
    const guardian = createGuardian(await makeFolder("codewise-cli-"));
    const [first, second] = [await startSleeper(), await startSleeper()];
    guardian.add(first.pid);
    const firstPid = guardian.pid ?? 0;
    process.kill(firstPid, "SIGKILL");
    expect(await waitFor(() => guardian.pid === undefined, 2000)).toBe(true);
    guardian.add(second.pid);
    expect(guardian.pid).not.toBe(firstPid);
    guardian.close();
    expect((await Promise.all([first.exited, second.exited])).map((exit) => exit.signal)).toEqual([
      "SIGTERM",
      "SIGTERM",
    ]);
  });

  it("goes when this process has nothing left to guard", async () => {
    const folder = await makeFolder("codewise-cli-");
    const guardian = createGuardian(folder);
    guardian.add(2_147_483_645);
    guardian.remove(2_147_483_645);
    const shell = guardian.pid ?? 0;
    guardian.close();
    expect(await waitFor(() => !isAlive(shell), 3000)).toBe(true);
    await expect(readdir(folder)).rejects.toThrow("ENOENT");
  });
});
