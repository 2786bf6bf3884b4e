import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningStatus } from "./control/protocol.ts";
import { liveLines, type Screen } from "./live-lines.ts";
import { createLogger, type LogEntry } from "./logger.ts";
import { createDisplay, type Display, type Output } from "./terminal.ts";

const NOON = new Date(2026, 10, 25, 12).getTime();
const SCREEN: Screen = { columns: 80, rows: 24, colour: false, hasKeys: true };
const REQUEST = { requestId: "r1", model: "sonnet", state: "running", ageMs: 5300, deltas: 7 };
const QUESTION = {
  number: 3,
  requestId: "r2",
  model: "opus",
  characters: 900,
  preview: "Hello",
  expiresAt: NOON + 42_000,
};

let status: RunningStatus;
let written: string[];
let clock: number;

beforeEach(() => {
  vi.useFakeTimers();
  status = {
    pid: 1,
    version: "1",
    agentId: "laptop",
    url: "https://proxy.example",
    startedAt: NOON,
    clis: [],
    models: [],
    connection: { state: "connected", reason: null },
    lifecycle: "running",
    closure: null,
    requests: [],
    questions: [],
    totals: { completed: 3, failed: 1, cancelled: 4, refused: 2 },
    limits: {
      allowModels: null,
      hours: null,
      requestsInHour: { used: 0, limit: null, resetsAt: null },
      tokensToday: { used: 0, estimated: 0, limit: null, resetsAt: NOON },
    },
  };
  [written, clock] = [[], 1000];
});
afterEach(() => {
  vi.useRealTimers();
});

function create(output: Partial<Output>): Display {
  return createDisplay({
    output: { write: (text) => written.push(text), ...output },
    status: () => status,
    clock: () => NOON,
    now: () => clock,
    colour: false,
    hasKeys: true,
  });
}

const ENTRY: LogEntry = { level: "info", time: new Date(0), message: "hello", fields: { requestId: "r1" } };

describe("without a terminal", () => {
  it("writes one JSON object per line and nothing else", () => {
    const display = create({});
    display.log(ENTRY);
    display.refresh();
    display.close();
    vi.runAllTimers();
    expect(written).toEqual(['{"level":"info","time":"1970-01-01T00:00:00.000Z","msg":"hello","requestId":"r1"}\n']);
  });
});

describe("on a terminal", () => {
  it("shows connection, totals, limits with their reset, and one line per running request", () => {
    status.requests.push(REQUEST, { ...REQUEST, requestId: "r2", state: "preparing" });
    status.closure = { reason: "hours", until: NOON + 60_000 };
    status.limits.requestsInHour = { used: 4, limit: 30, resetsAt: NOON + 120_000 };
    expect(liveLines(status, NOON, SCREEN)).toEqual([
      "connected · 2 running · 3 completed, 1 failed, 4 cancelled, 2 refused",
      "  takes none  outside of the hours, until 12:01",
      "  last hour   4 of 30 requests, the oldest until 12:02",
      '  r1  "sonnet"  5 s  7 steps',
      '  r2  "sonnet"  5 s  preparing',
    ]);
    status.requests.push({ ...REQUEST, requestId: "r3", state: "asking" });
    expect(liveLines(status, NOON, SCREEN)[0]).toContain("connected · 2 running, 1 waiting · ");
    expect(liveLines({ ...status, connection: { state: "waiting", reason: "gone" } }, NOON, SCREEN)[0]).toContain(
      "not connected: gone · 2 running",
    );
    expect(liveLines({ ...status, lifecycle: "draining" }, NOON, SCREEN)[0]).toContain("draining");
  });

  it("puts what waits for approval first, and says how to answer the oldest", () => {
    status.questions.push(QUESTION, { ...QUESTION, number: 4 });
    expect(liveLines(status, NOON, SCREEN).slice(1)).toEqual([
      '? 3  900 characters  42 s left  "opus"',
      "    Hello",
      "    y: run it   n: refuse it",
      '? 4  900 characters  42 s left  "opus"',
      "    Hello",
    ]);
    expect(liveLines(status, NOON, { ...SCREEN, hasKeys: false })[3]).toContain("codewise-agent approve 3");
  });

  it("keeps the facts of a question before what a stranger chose", () => {
    const model = "x".repeat(200);
    status.questions.push({ ...QUESTION, model }, { ...QUESTION, model: "opus  1 characters" });
    const lines = liveLines(status, NOON, { ...SCREEN, columns: 40 });
    expect(lines[1]).toBe(`? 3  900 characters  42 s left  "${"x".repeat(6)}`);
    expect(lines[4]).not.toContain("1 characters");
  });

  it("keeps to the terminal's size and lets nothing through that steers it", () => {
    status.requests = Array.from({ length: 40 }, () => ({ ...REQUEST, requestId: `r\x1b[2J${"😀".repeat(200)}` }));
    status.questions.push({ ...QUESTION, preview: "\x1b]0;title\x07\u202e" });
    const lines = liveLines(status, NOON, { ...SCREEN, columns: 40, rows: 10 });
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toBe("  … and 36 lines more");
    expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThan(40);
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(lines.join("")).not.toMatch(/[\x00-\x1f\u202e]/);
    expect(lines.join("").isWellFormed()).toBe(true);
  });

  it("uses colour only where it may: green where all is well, yellow where something is up", () => {
    expect(liveLines(status, NOON, { ...SCREEN, colour: true })[0]).toContain("\x1b[32m");
    status.closure = { reason: "paused", until: null };
    expect(liveLines(status, NOON, { ...SCREEN, colour: true })[0]).toContain("\x1b[33m");
    expect(liveLines(status, NOON, SCREEN)[0]).not.toContain("\x1b");
  });

  it("writes log lines above the live view and takes that away at the end", () => {
    const display = create({ isTTY: true });
    display.log(ENTRY);
    const head = "connected · 0 running · 3 completed, 1 failed, 4 cancelled, 2 refused";
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d hello/);
    expect(written[0]).toContain("hello  requestId=r1\x1b[K\n");
    expect(written[0]).toContain(`\x1b[?7l${head}\x1b[K\n\x1b[?7h\x1b[J`);
    display.log(ENTRY);
    expect(written[1]?.startsWith("\x1b[1A")).toBe(true);
    display.close();
    expect(written[2]).toBe("\x1b[1A\x1b[J");
    display.log(ENTRY);
    expect(written[3]).not.toContain("running");
    expect(written[3]).not.toContain("\x1b");
  });

  it("redraws at most ten times a second", () => {
    const display = create({ isTTY: true });
    for (let step = 0; step < 1000; step += 1) {
      display.refresh();
      clock += 1;
      vi.advanceTimersByTime(1);
    }
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThanOrEqual(11);
  });
});

describe("createLogger", () => {
  it("leaves out what is below its level", () => {
    const seen: string[] = [];
    const logger = createLogger("warn", (entry) => seen.push(entry.message));
    logger.error("a");
    logger.warn("b");
    logger.info("c");
    logger.debug("d");
    expect(seen).toEqual(["a", "b"]);
  });
});
