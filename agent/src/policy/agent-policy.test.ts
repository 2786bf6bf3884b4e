import { beforeEach, describe, expect, it } from "vitest";
import type { AgentRequest } from "../../../src/lib/agent/types.ts";
import { AgentPolicy, type Admission, type PolicyRefusal, type PolicyRules } from "./agent-policy.ts";
import type { PolicyState, PolicyStore } from "./policy-state.ts";

const MINUTE = 60_000;
const NOON = new Date(2026, 10, 25, 12).getTime();

let clock: number;
let changes: number;
let stop: AbortController | undefined;
let saved: PolicyState | undefined;
const store: PolicyStore = { load: () => saved, save: (state) => (saved = state) };

beforeEach(() => {
  [clock, changes, saved, stop] = [NOON, 0, undefined, undefined];
});

function create(rules: PolicyRules = {}): AgentPolicy {
  return new AgentPolicy({
    rules,
    store,
    clock: () => clock,
    onChange: () => {
      changes += 1;
      stop?.abort();
    },
    sleep: async (ms) => {
      clock += ms;
    },
  });
}

function request(overrides: Partial<AgentRequest> = {}): AgentRequest {
  const times = { firstEventTimeoutMs: 1, idleTimeoutMs: 1, deadlineMs: 1 };
  return {
    requestId: "r",
    attempt: 1,
    model: "sonnet",
    stream: true,
    body: { model: "sonnet" },
    ...times,
    ...overrides,
  };
}

function admitted(admission: Admission | PolicyRefusal): Admission {
  if ("code" in admission) throw new Error(admission.message);
  return admission;
}

/** Lets it look at the clock until it has told a change. */
async function runUntilChange(policy: AgentPolicy): Promise<void> {
  stop = new AbortController();
  await policy.run(stop.signal);
}

const spent = (tokens: number) => ({ tokens, isEstimate: false });

describe("the owner's policy", () => {
  it("limits nothing unless told to", () => {
    const policy = create();
    for (let count = 0; count < 200; count += 1) admitted(policy.admit(request())).settle(spent(1_000_000));
    expect(policy.closure).toBeUndefined();
    expect(policy.offers(["sonnet", "claude-*"])).toEqual(["sonnet", "claude-*"]);
    expect(changes).toBe(0);
    // And writes nothing either.
    expect(saved).toBeUndefined();
  });

  it("looks into a prompt only where there is a limit of tokens", () => {
    let looks = 0;
    const body = { toJSON: () => (looks += 1) };
    admitted(create({ maxRequestsPerHour: 5 }).admit(request({ body }))).settle(spent(1));
    expect(looks).toBe(0);
    admitted(create({ maxTokensPerDay: 5 }).admit(request({ body })));
    expect(looks).toBe(1);
  });

  it("refuses models that are not allowed, and offers the others only", () => {
    const policy = create({ allowModels: ["claude-haiku-*"] });
    expect(policy.offers(["sonnet", "claude-*"])).toEqual(["claude-haiku-*"]);
    expect(policy.admit(request({ model: "sonnet" }))).toMatchObject({ code: "policy" });
    admitted(policy.admit(request({ model: "claude-haiku-4" })));
  });

  it("counts a request before it has ended, so that none slips past the limit of an hour", () => {
    const policy = create({ maxRequestsPerHour: 2 });
    admitted(policy.admit(request()));
    admitted(policy.admit(request())).settle(spent(1));
    expect(policy.admit(request())).toMatchObject({ code: "policy" });
    expect(policy.closure).toEqual({ reason: "requests", until: NOON + 60 * MINUTE });
    expect(policy.offers(["sonnet"])).toEqual([]);
    expect(changes).toBe(1);
    clock += 60 * MINUTE;
    admitted(policy.admit(request()));
  });

  it("gives the place of a request that did not run back, and says so", () => {
    const policy = create({ maxRequestsPerHour: 1 });
    admitted(policy.admit(request())).release();
    expect(policy.closure).toBeUndefined();
    expect(changes).toBe(2);
  });

  it("holds tokens for what runs: by its size, or a bound where it is still to be fetched", () => {
    const policy = create({ maxTokensPerDay: 60_000 });
    admitted(policy.admit(request({ body: { text: "x".repeat(4000) } })));
    expect(policy.view().tokens).toMatchObject({ used: 1003, estimated: 1003 });
    const fetched = admitted(policy.admit(request({ body: undefined, inputUrl: "/x" })));
    expect(policy.closure).toMatchObject({ reason: "tokens", until: new Date(2026, 10, 26).getTime() });
    fetched.settle(spent(10));
    expect(policy.closure).toBeUndefined();
  });

  it("takes nothing outside of its hours", async () => {
    const policy = create({ hours: [{ from: 9 * 60, to: 12 * 60 + 1 }] });
    expect(policy.closure).toBeUndefined();
    await runUntilChange(policy);
    expect(policy.closure).toEqual({ reason: "hours", until: new Date(2026, 10, 26, 9).getTime() });
    expect(clock).toBeGreaterThanOrEqual(NOON + MINUTE);
  });

  it("tells the proxy nothing of the owner's rules", () => {
    const messages = [
      create({ hours: [{ from: 0, to: 1 }] }).admit(request()),
      create({ maxTokensPerDay: 1, hours: [{ from: 0, to: 1 }] }).admit(request()),
    ];
    const paused = create();
    paused.pause(null);
    messages.push(paused.admit(request()));
    expect(new Set(messages.map((refusal) => ("message" in refusal ? refusal.message : "")))).toEqual(
      new Set(["The owner of this agent does not let it take requests now."]),
    );
  });
});

describe("a pause", () => {
  it("lasts until it is resumed, over a restart too", () => {
    create().pause(null);
    const policy = create();
    expect(policy.closure).toEqual({ reason: "paused", until: undefined });
    clock += 1000 * 24 * 60 * MINUTE;
    expect(policy.closure?.reason).toBe("paused");
    policy.resume();
    expect(policy.closure).toBeUndefined();
    expect(create().closure).toBeUndefined();
  });

  it("lasts for its time, over a restart too, and its end is told", async () => {
    create().pause(30 * MINUTE);
    const policy = create();
    expect(policy.closure).toEqual({ reason: "paused", until: NOON + 30 * MINUTE });
    changes = 0;
    await runUntilChange(policy);
    expect(clock).toBe(NOON + 30 * MINUTE);
    expect(policy.closure).toBeUndefined();
  });

  it("lasts no longer than its time when the clock is set back", () => {
    const policy = create();
    policy.pause(30 * MINUTE);
    clock -= 1000 * 24 * 60 * MINUTE;
    expect(policy.closure?.until).toBe(clock + 30 * MINUTE);
    clock += 30 * MINUTE;
    expect(policy.closure).toBeUndefined();
  });
});

it("writes no count that no limit reads, with a pause neither", () => {
  const use = (rules: PolicyRules) => {
    const policy = create(rules);
    admitted(policy.admit(request())).settle({ tokens: 7, isEstimate: true });
    policy.pause(null);
    const written = saved;
    policy.resume();
    saved = undefined;
    return written;
  };
  const nothing = { requests: [], tokens: 0, estimatedTokens: 0 };
  expect(use({})).toMatchObject({ pause: { at: NOON }, ledger: nothing });
  expect(use({ allowModels: ["sonnet"] })?.ledger).toMatchObject(nothing);
  expect(use({ maxRequestsPerHour: 5 })?.ledger).toMatchObject({ ...nothing, requests: [NOON] });
  expect(use({ maxTokensPerDay: 50 })?.ledger).toMatchObject({ ...nothing, tokens: 7, estimatedTokens: 7 });
});

it("keeps the counts over a restart", () => {
  const rules = { maxRequestsPerHour: 1, maxTokensPerDay: 5 };
  admitted(create(rules).admit(request())).settle(spent(5));
  const policy = create(rules);
  expect(policy.view()).toMatchObject({ requests: { used: 1, limit: 1 }, tokens: { used: 5, limit: 5 } });
  expect(policy.closure?.reason).toBe("tokens");
});
