/** The spool on a real file system; a full disk is one whose writes fail half-way, as they do with ENOSPC. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../logger.ts";
import { Outbox } from "../outbox.ts";
import { OUTCOME } from "../testing/scripted-executor.ts";
import { RequestSpool } from "./request-spool.ts";
import { realFiles, type SpoolFiles } from "./spool-files.ts";
import { thisProcess, type SpoolOwner } from "./spool-owner.ts";
import { readRecords } from "./spool-record.ts";
import { Spool, type SpoolBounds } from "./spool.ts";

let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "codewise-spool-"));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process of a test's own: dead once it is in `dead`. */
const dead = new Set<string>();
function owner(number: number): SpoolOwner {
  return { key: `${number}-0`, isAlive: (key) => !dead.has(key) };
}
beforeEach(() => dead.clear());

function open(
  number: number,
  options: { files?: SpoolFiles; bounds?: Partial<SpoolBounds>; url?: string } = {},
): Spool {
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const { url = "http://127.0.0.1:1", ...rest } = options;
  return new Spool({ folder, url, agentId: "laptop", logger, owner: owner(number), ...rest });
}

function answer(spool: Spool, requestId: string, bounds = {}): Outbox {
  const outbox = new Outbox(
    requestId,
    () => undefined,
    bounds,
    (id, attempt) => spool.begin(id, attempt),
  );
  outbox.accept(1);
  return outbox;
}

function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function said(outbox: Outbox): string {
  return outbox
    .take(Infinity, Infinity)
    .map(({ json }) => json)
    .join("\n");
}

describe("Spool", () => {
  it("hands an answer that had ended to the next process, as the same instance, number for number", () => {
    const first = open(1);
    const outbox = answer(first, "r1");
    said(outbox);
    outbox.acknowledge(1);
    outbox.delta({ content: "Grüße 🌍" });
    const sent = said(outbox);
    outbox.delta({ content: "more" });
    outbox.complete(OUTCOME);
    dead.add("1-0");
    const second = open(2);
    expect(second.instance).toBe(first.instance);
    expect(second.recovered.map(({ requestId, attempt }) => ({ requestId, attempt }))).toEqual([
      { requestId: "r1", attempt: 1 },
    ]);
    const recovered = Outbox.recovered("r1", () => undefined, second.recovered[0]!);
    outbox.rewind();
    const again = said(recovered);
    expect(again).toBe(said(outbox));
    expect(again.startsWith(sent)).toBe(true);
    expect(recovered.hasEnd).toBe(true);
  });

  it("names a request that had not ended beside one that had, and never keeps a prompt", () => {
    const first = open(1);
    answer(first, "running").delta({ content: "half" });
    answer(first, "ended").complete(OUTCOME);
    dead.add("1-0");
    const recovered = open(2).recovered.map(({ requestId, messages }) => `${requestId}: ${messages.length}`);
    expect(recovered.toSorted()).toEqual(["ended: 2", "running: 0"]);
  });

  it("begins as a new instance where no end waits, and removes what the dead one left", () => {
    const first = open(1);
    answer(first, "r1").delta({ content: "half" });
    dead.add("1-0");
    const second = open(2);
    expect(second.instance).not.toBe(first.instance);
    expect(second.recovered).toEqual([]);
    expect(files()).toEqual([]);
  });

  it("never touches the spool of a living twin, nor that of another proxy", () => {
    answer(open(1), "r1").complete(OUTCOME);
    const before = files();
    expect(open(2).recovered).toEqual([]);
    dead.add("1-0");
    expect(open(3, { url: "http://127.0.0.1:2" }).recovered).toEqual([]);
    expect(files()).toEqual(before);
  });

  it("lets one of two that start at once take a spool over", () => {
    answer(open(1), "r1").complete(OUTCOME);
    dead.add("1-0");
    expect([open(2), open(3)].map(({ recovered }) => recovered.length)).toEqual([1, 0]);
  });

  it("hands an answer on a second time when the next process dies too", () => {
    answer(open(1), "r1").complete(OUTCOME);
    dead.add("1-0");
    const second = open(2);
    dead.add("2-0");
    const third = open(3);
    expect(third.instance).toBe(second.instance);
    expect(third.recovered[0]?.messages).toHaveLength(2);
  });

  it("leaves no file once all is acknowledged, and no folder once it is closed", () => {
    const spool = open(1);
    const outbox = answer(spool, "r1");
    outbox.complete(OUTCOME);
    said(outbox);
    expect(files()).toHaveLength(1);
    expect(outbox.acknowledge(2)).toBe(true);
    outbox.discard();
    expect(files()).toEqual([]);
    spool.close();
    expect(readdirSync(join(folder, readdirSync(folder)[0]!))).toEqual([]);
  });

  it("keeps an end that is not acknowledged when it is closed", () => {
    const spool = open(1);
    answer(spool, "r1").complete(OUTCOME);
    spool.close();
    dead.add("1-0");
    expect(open(2).recovered).toHaveLength(1);
  });

  it.runIf(process.platform !== "win32")("makes files and folders that only their user can read", () => {
    answer(open(1), "r1").complete(OUTCOME);
    const modes = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
      const mode = (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8);
      return `${entry.isFile() ? "file" : "folder"} ${mode}`;
    });
    expect(modes.toSorted()).toEqual(["file 600", "folder 700", "folder 700"]);
  });

  it("takes what was torn off anywhere for not written, and never half a line for a whole one", () => {
    const outbox = answer(open(1), "r1");
    outbox.delta({ content: "Grüße 🌍" });
    outbox.complete(OUTCOME);
    const whole = readFileSync(files()[0]!, "utf8");
    for (let length = 0; length < whole.length; length += 1) {
      const found = readRecords(whole.slice(0, length));
      const hasHeader = length > whole.indexOf("\n");
      expect(found, `after ${length} characters`).toEqual(
        hasHeader ? { requestId: "r1", attempt: 1, messages: [] } : undefined,
      );
    }
    expect(readRecords(whole)?.messages).toHaveLength(3);
  });

  it("trusts nothing behind a line that is no message", () => {
    answer(open(1), "r1").complete(OUTCOME);
    const [file = ""] = files();
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n");
    writeFileSync(file, [lines[0], "{torn", ...lines.slice(1)].join("\n"));
    dead.add("1-0");
    expect(open(2).recovered).toEqual([]);
  });

  it("reads a file that something was appended to up to there", () => {
    answer(open(1), "r1").complete(OUTCOME);
    appendFileSync(files()[0]!, '{"type":"chunk"');
    dead.add("1-0");
    expect(open(2).recovered[0]?.messages).toHaveLength(2);
  });
});

describe("what finds no room in memory", () => {
  const BOUNDS = { maxBytes: 10_000, maxChunkText: 1000 };

  it("goes to disk and comes back in order, and the CLI may go on", () => {
    const outbox = answer(open(1), "r1", BOUNDS);
    const texts = Array.from({ length: 100 }, (_value, index) => `${index} ${"é".repeat(700)}`);
    for (const content of texts) expect(outbox.delta({ content })).toBe(true);
    outbox.complete(OUTCOME);
    const messages = outbox
      .take(Infinity, Infinity)
      .map(({ json }) => JSON.parse(json) as { deltas?: { content: string }[] });
    expect(messages.flatMap(({ deltas = [] }) => deltas.map(({ content }) => content)).join("")).toBe(texts.join(""));
  });

  it("frees the disk once it is acknowledged", () => {
    const outbox = answer(open(1), "r1", BOUNDS);
    for (let index = 0; index < 100; index += 1) outbox.delta({ content: "x".repeat(900) });
    const [file = ""] = files();
    expect(statSync(file).size).toBeGreaterThan(50_000);
    outbox.take(Infinity, Infinity);
    outbox.acknowledge(outbox.lastSeq);
    expect(statSync(file).size).toBeLessThan(100);
  });

  it("is freed once, however often a request that is gone is forgotten", () => {
    const released: number[] = [];
    const spool = new RequestSpool({
      files: realFiles,
      path: join(folder, "1.jsonl"),
      header: "{}\n",
      maxOverflowBytes: 1000,
      reserve: () => true,
      release: (bytes) => released.push(bytes),
      onFailure: () => undefined,
      onRemoved: () => undefined,
    });
    expect(spool.append([{ seq: 1, json: '{"a":1}', bytes: 7 }], "end")).toBe(true);
    spool.discard();
    spool.reset();
    spool.discard();
    expect(released).toEqual([8]);
  });

  it("is bounded for one request and in all, and holds the CLI back beyond that", () => {
    const spool = open(1, { bounds: { maxRequestOverflowBytes: 30_000, maxOverflowBytes: 50_000 } });
    const taken = ["r1", "r2"].map((id) => {
      const outbox = answer(spool, id, BOUNDS);
      let count = 1;
      while (outbox.delta({ content: "x".repeat(900) })) count += 1;
      return count * 900;
    });
    expect(taken[0]).toBeGreaterThan(30_000);
    expect(taken[0]).toBeLessThan(42_000);
    expect(taken[1]).toBeLessThan(32_000);
    const sizes = files().map((file) => statSync(file).size);
    expect(Math.max(...sizes)).toBeLessThan(30_100);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(50_200);
  });

  it("does not touch the disk while all is acknowledged in time", () => {
    const outbox = answer(open(1), "r1", BOUNDS);
    const size = statSync(files()[0]!).size;
    for (let index = 0; index < 100; index += 1) {
      outbox.delta({ content: "x".repeat(900) });
      outbox.take(Infinity, Infinity);
      outbox.acknowledge(outbox.lastSeq);
    }
    expect(statSync(files()[0]!).size).toBe(size);
  });
});

describe("a disk that fails", () => {
  /** Takes so many bytes, then half of the next write. */
  function fullAfter(room: number): SpoolFiles {
    let left = room;
    return {
      ...realFiles,
      write(file, bytes, position) {
        const fits = Math.min(bytes.length, left);
        realFiles.write(file, bytes.subarray(0, fits), position);
        left -= fits;
        if (fits < bytes.length) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      },
    };
  }

  it("costs nothing but the spool, leaves no torn line, and is told of once", async () => {
    const spool = open(1, { files: fullAfter(300) });
    const outboxes = ["r1", "r2", "r3", "r4"].map((id) => answer(spool, id));
    for (const outbox of outboxes) {
      outbox.delta({ content: "x".repeat(200) });
      outbox.complete(OUTCOME);
      expect(said(outbox)).toContain('"complete"');
    }
    await Promise.resolve();
    expect(warnings).toHaveLength(1);
    for (const file of files()) expect(readFileSync(file, "utf8").endsWith("\n")).toBe(true);
  });

  it("holds the CLI back at the bound in memory, as without a spool", () => {
    const outbox = answer(open(1, { files: fullAfter(2000) }), "r1", { maxBytes: 10_000, maxChunkText: 1000 });
    let taken = 0;
    while (outbox.delta({ content: "x".repeat(900) })) taken += 900;
    expect(taken).toBeLessThan(12_000);
    expect(said(outbox).match(/x/g)).toHaveLength(taken + 900);
  });

  it("ends a request honestly of which a part cannot be read back", () => {
    const failing: SpoolFiles = {
      ...realFiles,
      read() {
        throw Object.assign(new Error("read failed"), { code: "EIO" });
      },
    };
    const outbox = answer(open(1, { files: failing }), "r1", { maxBytes: 10_000, maxChunkText: 1000 });
    for (let index = 0; index < 30; index += 1) outbox.delta({ content: "x".repeat(900) });
    expect(said(outbox)).toContain('"agent_lost"');
    expect(outbox.hasUnsent).toBe(false);
  });

  it("goes on in memory where the folder cannot be made", async () => {
    writeFileSync(join(folder, "file"), "");
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const spool = new Spool({ folder: join(folder, "file", "spool"), url: "http://a", agentId: "b", logger });
    const outbox = answer(spool, "r1");
    outbox.complete(OUTCOME);
    expect(said(outbox)).toContain('"complete"');
    await Promise.resolve();
    expect(warnings).toHaveLength(1);
  });
});

describe("thisProcess", () => {
  it("knows itself for alive, and a process that has ended for dead", async () => {
    const owner = thisProcess();
    expect(owner.isAlive(owner.key)).toBe(true);
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    expect(owner.isAlive(`${child.pid}-0`)).toBe(false);
  });

  it.runIf(process.platform === "linux")("takes the same number with another start for another process", () => {
    expect(thisProcess().isAlive(`${process.pid}-0123456789abcdef`)).toBe(false);
  });
});
