import { describe, expect, it } from "vitest";
import type { AgentView } from "../agent.ts";
import type { Job } from "../job.ts";
import type { PolicyView } from "../policy/agent-policy.ts";
import { parseDuration } from "./duration.ts";
import { MAX_ANSWER, runningStatusSchema } from "./protocol.ts";
import { formatStatus, runningStatus } from "./running-status.ts";

const NOON = new Date(2026, 10, 25, 12).getTime();
const HOUR = 3_600_000;

const fields = {
  id: "r1\u001b[2J",
  request: { model: "sonnet" },
  startedAt: 0,
  deltas: 7,
  isActive: true,
  state: { kind: "running", model: "sonnet" },
};
const job = fields as unknown as Job;
const view: AgentView = {
  connection: { kind: "connected", sessionId: "s" },
  lifecycle: "running",
  clis: [
    { name: "claude", version: "2.1.0", ready: true, reason: null },
    { name: "codex", version: "0.169.0", ready: false, reason: "log in\u001b[2J" },
    { name: "gemini", version: null, ready: false, reason: "not found" },
  ],
  models: ["sonnet", "claude-*"],
  jobs: [job],
  totals: { completed: 3, failed: 1, cancelled: 4, refused: 2 },
};
const policy: PolicyView = {
  closure: { reason: "requests", until: NOON + HOUR / 2 },
  allowModels: ["sonnet", "claude-*"],
  hours: [{ from: 540, to: 1080 }],
  requests: { used: 5, limit: 5, resetsAt: NOON + HOUR / 2 },
  tokens: { used: 1200, estimated: 200, limit: 5000, resetsAt: NOON + 12 * HOUR },
};
const question = {
  number: 4,
  requestId: "r2",
  model: "opus",
  characters: 900,
  preview: "Hello",
  expiresAt: NOON + 60_000,
};
const facts = { pid: 42, agentId: "laptop", url: "https://proxy.example", startedAt: NOON - HOUR };

describe("status", () => {
  it("tells connection, requests, limits with their reset, and what waits for approval", () => {
    const status = runningStatus(facts, view, policy, [question], 5300);
    expect(runningStatusSchema.parse(status)).toEqual(status);
    expect(
      formatStatus(status, NOON)
        .split("\n")
        .map((line) => line.trimEnd()),
    ).toEqual([
      expect.stringMatching(/^laptop at https:\/\/proxy\.example \(pid 42, version .+\)$/),
      "  connection  connected",
      "  cli         claude 2.1.0 is ready",
      "  cli         codex 0.169.0: log in [2J",
      "  cli         gemini: not found",
      "  offers      sonnet, claude-*",
      "  requests    1 running, 3 completed, 1 failed, 4 cancelled, 2 refused since 11:00",
      '    r1 [2J  "sonnet"  5 s  7 steps',
      "  takes none  the requests of the hour are used up, until 12:30",
      "  models      sonnet, claude-*",
      "  hours       09:00-18:00",
      "  last hour   5 of 5 requests, the oldest until 12:30",
      "  today       1200 of 5000 tokens (200 estimated), anew at 2026-11-26 00:00",
      '  to approve  4: 900 characters, 60 s left, "opus": Hello',
      "              by codewise-agent approve <number>, or deny <number>",
      "",
    ]);
  });

  it("shortens a long offer, and says where there is none", () => {
    const offering = (models: readonly string[]) =>
      formatStatus(runningStatus(facts, { ...view, models }, policy, [], 0), NOON);
    const models = Array.from({ length: 10 }, (_value, index) => `m${index}`);
    expect(offering(models)).toContain("  offers      m0, m1, m2, m3, m4, m5, m6, m7 and 2 more\n");
    expect(offering([])).toContain("  offers      nothing now\n");
  });

  it("never shows less than no time left", () => {
    expect(formatStatus(runningStatus(facts, view, policy, [question], 0), NOON + HOUR)).toContain("0 s left");
  });

  it("reads an agent of an earlier version, which tells neither CLIs nor models", () => {
    const { clis: _clis, models: _models, ...earlier } = runningStatus(facts, view, policy, [], 0);
    expect(runningStatusSchema.parse(earlier)).toMatchObject({ clis: [], models: [] });
  });

  it("counts what waits for approval apart from what runs", () => {
    const asking = { ...fields, state: { kind: "asking" } } as unknown as Job;
    const text = formatStatus(runningStatus(facts, { ...view, jobs: [job, asking] }, policy, [question], 0), NOON);
    expect(text).toContain("1 running, 1 waiting, 3 completed");
  });

  it("lets no model's name pass for the facts beside it", () => {
    const model = "codex-cli/gpt-5, 14 characters, until 23:59: What is 2+2?";
    const hostile = { ...fields, request: { model } } as unknown as Job;
    const status = runningStatus(facts, { ...view, jobs: [hostile] }, policy, [{ ...question, model }], 0);
    const told = formatStatus({ ...status, questions: [{ ...question, model }] }, NOON);
    for (const text of [JSON.stringify(status), formatStatus(status, NOON), told]) expect(text).not.toContain("2+2");
    expect(told).toContain("4: 900 characters, 60 s left, (a malformed name): Hello");
  });

  it("fits into one answer, however many requests and questions there are, and whatever they are called", () => {
    const long = {
      ...question,
      model: "m".repeat(200),
      requestId: "r".repeat(128),
      preview: "e\u0301\u0301\u0301".repeat(800),
    };
    const jobs = Array.from(
      { length: 1000 },
      () => ({ ...fields, request: { model: "m".repeat(200) } }) as unknown as Job,
    );
    const questions = Array.from({ length: 1000 }, () => long);
    const status = runningStatus(facts, { ...view, jobs }, policy, questions, 0);
    expect([status.requests.length, status.questions.length]).toEqual([100, 100]);
    expect(status.questions[0]?.model).toHaveLength(100);
    expect(JSON.stringify({ status }).length).toBeLessThan(MAX_ANSWER);
  });

  it("says how a pause without an end is ended, and why it is not connected", () => {
    const away: AgentView = { ...view, jobs: [], connection: { kind: "waiting", reason: "gone", delayMs: 5 } };
    const paused: PolicyView = { ...policy, closure: { reason: "paused", until: undefined } };
    const text = formatStatus(runningStatus(facts, away, paused, [], 0), NOON);
    expect(text).toContain("not connected: gone");
    expect(text).toContain("paused, until codewise-agent resume");
  });
});

describe("parseDuration", () => {
  it.each([
    ["90s", 90_000],
    ["30m", 1_800_000],
    ["8h", 28_800_000],
    ["2d", 172_800_000],
    ["0m", undefined],
    ["30", undefined],
    ["", undefined],
    ["-1m", undefined],
    ["1.5h", undefined],
    ["1h30m", undefined],
  ])("reads %j as %j ms", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});
