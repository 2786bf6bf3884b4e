import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";

const source = join(import.meta.dirname, "log-destination.ts");

/** Runs a program that has `destination`, with its stderr in a pipe that is read only when the test does. */
function run(program: string) {
  const code = `import { openLogDestination } from ${JSON.stringify(source)};
    const destination = openLogDestination();
    ${program}`;
  return spawn(process.execPath, ["--input-type=module-typescript", "-e", code], { stdio: ["ignore", "pipe", "pipe"] });
}

it("writes every line in order, the last ones when the process exits", async () => {
  const child = run('for (let i = 0; i < 1000; i += 1) destination.write(`{"line":${i}}\\n`); process.exit(3);');
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [exitCode] = await once(child, "close");
  expect([exitCode, text]).toEqual([3, Array.from({ length: 1000 }, (_, line) => `{"line":${line}}\n`).join("")]);
});

it("writes what is gathered after a moment", async () => {
  const child = run('destination.write("one\\n"); setInterval(() => undefined, 1000);');
  const [chunk] = (await once(child.stderr, "data")) as [Buffer];
  expect(chunk.toString()).toBe("one\n");
  child.kill("SIGKILL");
  await once(child, "close");
});

it("drops and counts lines for a reader that has stopped reading, and neither grows nor hangs at the end", async () => {
  const child = run(`
    const line = "x".repeat(999) + "\\n";
    const before = process.memoryUsage().rss;
    for (let turn = 0; turn < 200; turn += 1) {
      for (let i = 0; i < 500; i += 1) destination.write(line);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = process.memoryUsage().rss - before;
    process.stdout.write(JSON.stringify({ dropped: destination.dropped(), grown }) + "\\n", () => process.exit(0));
  `);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [exitCode] = await once(child, "exit");
  child.stderr.resume();
  await once(child, "close");
  const { dropped, grown } = JSON.parse(text) as { dropped: number; grown: number };
  expect(exitCode).toBe(0);
  expect(dropped).toBeGreaterThan(90_000);
  expect(grown).toBeLessThan(64 * 1024 * 1024);
});
