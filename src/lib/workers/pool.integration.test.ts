import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../telemetry/logger.ts";
import { WorkerPool } from "./pool.ts";

describe("WorkerPool", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "codewise-pool-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("starts a worker that dies again, later each time, and gives up on one that always dies at once", async () => {
    const entry = join(directory, "dies.mjs");
    const starts = join(directory, "starts");
    writeFileSync(
      entry,
      `import { appendFileSync } from "node:fs";
       appendFileSync(${JSON.stringify(starts)}, "x");
       process.exit(3);`,
    );
    const gaveUp = Promise.withResolvers<void>();
    const pool = new WorkerPool({
      entry,
      count: 1,
      socketPath: join(directory, "socket"),
      logger: silentLogger,
      onCrashLoop: gaveUp.resolve,
    });
    const startedAt = performance.now();
    pool.start();
    await gaveUp.promise;
    expect(readFileSync(starts, "utf8")).toBe("xxxxxx");
    expect(performance.now() - startedAt).toBeGreaterThan(3000);
  });

  it("tells when the last worker is gone, one that does not listen included", async () => {
    const entry = join(directory, "waits.mjs");
    writeFileSync(entry, `process.on("message", () => undefined);`);
    const pool = new WorkerPool({
      entry,
      count: 2,
      socketPath: join(directory, "socket"),
      logger: silentLogger,
      onCrashLoop: () => undefined,
    });
    pool.start();
    pool.drain();
    expect(pool.activeCalls()).toBe(2);
    const closed = new Promise<void>((resolve) => pool.close(resolve));
    pool.kill();
    await closed;
    expect(pool.activeCalls()).toBe(0);
  });
});
