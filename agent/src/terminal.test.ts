import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentView } from "./agent.ts";
import type { Job } from "./job.ts";
import { createLogger, type LogEntry } from "./logger.ts";
import { createDisplay, liveLines, type Display, type Output } from "./terminal.ts";

function job(id: string, overrides: Partial<Job> = {}): Job {
  const fields = {
    id,
    request: { model: "sonnet" },
    startedAt: 0,
    deltas: 7,
    isActive: true,
    state: { kind: "running", model: "sonnet" },
  };
  return { ...fields, ...overrides } as Job;
}

let view: AgentView;
let written: string[];
let clock: number;

beforeEach(() => {
  vi.useFakeTimers();
  view = { connection: { kind: "connected", sessionId: "s" }, lifecycle: "running", jobs: [], totals: { completed: 0, failed: 0, refused: 0 } };
  [written, clock] = [[], 1000];
});
afterEach(() => {
  vi.useRealTimers();
});

function create(output: Partial<Output>): Display {
  return createDisplay({
    output: { write: (text) => written.push(text), ...output },
    view: () => view,
    now: () => clock,
    colour: false,
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
  it("shows the connection and one line per running request", () => {
    view = { ...view, jobs: [job("r1"), job("r2", { isActive: false })] };
    expect(liveLines(view, 5300, 80, false)).toEqual(["connected · 1 running", "  r1  sonnet  5 s  7 steps"]);
    view = { ...view, connection: { kind: "waiting", reason: "gone", delayMs: 5 }, jobs: [] };
    expect(liveLines(view, 0, 80, false)).toEqual(["not connected: gone · 0 running"]);
    view = { ...view, lifecycle: "draining" };
    expect(liveLines(view, 0, 80, false)).toEqual(["draining · 0 running"]);
  });

  it("keeps to the terminal's width and lets no control characters through", () => {
    view = { ...view, jobs: [job(`r\x1b[2J${"x".repeat(200)}`)] };
    const lines = liveLines(view, 0, 40, false);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
    expect(lines.join("")).not.toContain("\x1b");
  });

  it("uses colour only where it may", () => {
    expect(liveLines(view, 0, 80, true)[0]).toContain("\x1b[32m");
    expect(liveLines(view, 0, 80, false)[0]).not.toContain("\x1b");
  });

  it("writes log lines above the live ones and takes those away at the end", () => {
    const display = create({ isTTY: true });
    display.log(ENTRY);
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d hello {2}requestId=r1\nconnected · 0 running\n$/);
    display.close();
    expect(written[1]).toBe("\x1b[1A\x1b[J");
    display.log(ENTRY);
    expect(written[2]).not.toContain("running");
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
