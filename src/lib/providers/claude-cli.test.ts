import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CliExecutor, CliReadiness } from "../cli/types.ts";
import { createClaudeCliProvider } from "./claude-cli.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const READY: CliReadiness = { name: "claude", version: "1.0.0", ready: true, reason: null };

function setUp(probe: CliExecutor["probe"]) {
  const executor: CliExecutor = {
    name: "claude",
    probe,
    models: () => ["sonnet", "claude-*"],
    execute: () => Promise.reject(new Error("not asked")),
    running: () => 0,
    killAll: async () => {},
  };
  return createClaudeCliProvider({ executor, maxConcurrency: 1, probeMaxAgeMs: 60_000 });
}

describe("the models of claude-cli", () => {
  it("are answered at once from the last probe while an aged one is renewed in the background", async () => {
    const probe = vi
      .fn<CliExecutor["probe"]>()
      .mockResolvedValueOnce(READY)
      .mockReturnValue(new Promise(() => {}));
    const provider = setUp(probe);
    const first = await provider.getModels();
    expect(first.map(({ id }) => id)).toEqual(["sonnet", "claude-cli/sonnet"]);
    vi.advanceTimersByTime(61_000);
    expect((await provider.getModels()).map(({ id }) => id)).toEqual(["sonnet", "claude-cli/sonnet"]);
    expect(probe).toHaveBeenCalledTimes(2);
  });

  it("are the same array until the next probe, so that what is built from them can be kept", async () => {
    const provider = setUp(() => Promise.resolve(READY));
    expect(await provider.getModels()).toBe(await provider.getModels());
  });

  it("keep the first callers no longer than 3 s waiting for the first probe", async () => {
    const provider = setUp(() => new Promise(() => {}));
    const waiting = provider.getModels();
    await vi.advanceTimersByTimeAsync(2000);
    const later = provider.getModels();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await Promise.all([waiting, later])).toEqual([[], []]);
    expect(await provider.getModels()).toEqual([]);
  });
});
