import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataDirectory } from "./data-directory-lock.ts";

const moduleUrl = new URL("./data-directory-lock.ts", import.meta.url).href;
/** Locks the folder, says so or why not, and lives until its stdin ends. */
const script = `
  import { lockDataDirectory } from ${JSON.stringify(moduleUrl)};
  try { await lockDataDirectory(process.argv[1]); console.log("owner"); }
  catch (error) { console.log(error.code, error.message); }
  process.stdin.resume();
`;

let directory: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "codewise-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

async function startOwner(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", script, directory]);
  children.push(child);
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: chunk.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("lockDataDirectory", () => {
  it("refuses a second process and names the first, also within one process", async () => {
    const { child, said } = await startOwner();
    expect(said).toBe("owner");
    await expect(lockDataDirectory(directory)).rejects.toMatchObject({
      code: "conflict",
      message: `The data directory is in use by process ${child.pid}.`,
    });
    expect((await startOwner()).said).toContain(`conflict The data directory is in use by process ${child.pid}.`);
  });

  it("takes over the lock of a process that was killed", async () => {
    const { child } = await startOwner();
    await kill(child);
    const release = await lockDataDirectory(directory);
    expect(JSON.parse(await readFile(join(directory, "codewise.lock"), "utf8"))).toMatchObject({ pid: process.pid });
    await release();
    expect(await readdir(directory)).toEqual([]);
  });

  it("lets exactly one of many processes take over", async () => {
    const { child } = await startOwner();
    await kill(child);
    const said = await Promise.all(Array.from({ length: 6 }, async () => (await startOwner()).said));
    expect(said.filter((line) => line === "owner")).toHaveLength(1);
    expect(said.filter((line) => line.startsWith("conflict"))).toHaveLength(5);
  });

  it.skipIf(process.platform !== "linux")("is not fooled by a pid that is used again", async () => {
    await writeFile(join(directory, "codewise.lock"), JSON.stringify({ pid: process.pid, startTicks: "1" }));
    const release = await lockDataDirectory(directory);
    expect(await readFile(join(directory, "codewise.lock"), "utf8")).not.toContain('"1"');
    await release();
  });

  it.each([
    ["an empty lock", ""],
    ["a lock that names nobody", "{}"],
  ])("takes over %s", async (_, content) => {
    await writeFile(join(directory, "codewise.lock"), content);
    const release = await lockDataDirectory(directory);
    expect(JSON.parse(await readFile(join(directory, "codewise.lock"), "utf8"))).toMatchObject({ pid: process.pid });
    await release();
  });
});
