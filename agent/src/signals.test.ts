import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT } from "./exit-codes.ts";
import { silentLogger } from "./logger.ts";
import { installSignalHandlers, type SignalHandlers } from "./signals.ts";
import { createScriptedExecutor, type ScriptedExecutor } from "./testing/scripted-executor.ts";

let executor: ScriptedExecutor;
let drains: string[];
let exits: unknown[];
let handlers: SignalHandlers;

beforeEach(() => {
  executor = createScriptedExecutor();
  [drains, exits] = [[], []];
  vi.spyOn(process, "exit").mockImplementation((code) => {
    exits.push(code);
    return undefined as never;
  });
  handlers = installSignalHandlers({
    processes: executor,
    logger: silentLogger,
    onDrain: (reason) => drains.push(reason),
  });
});

afterEach(() => {
  handlers.remove();
  vi.restoreAllMocks();
});

function signal(name: "SIGINT" | "SIGTERM"): void {
  process.listeners(name).at(-1)?.(name);
}

/** Calls the handler installed last only, since the test runner has its own. */
function raise(event: "uncaughtException" | "unhandledRejection", error: unknown): void {
  const handler = process.listeners(event as "uncaughtException").at(-1);
  handler?.(error as Error, "uncaughtException");
}

describe("signals", () => {
  it("drain at the first, kill and exit with 128 + n at the second", async () => {
    signal("SIGINT");
    expect(drains).toEqual(["SIGINT"]);
    expect(executor.kills).toBe(0);
    expect(handlers.forcedExitCode()).toBeUndefined();
    signal("SIGTERM");
    expect(handlers.forcedExitCode()).toBe(143);
    await vi.waitFor(() => expect(exits).toEqual([143]));
    expect(executor.kills).toBe(1);
    signal("SIGINT");
    expect(executor.kills).toBe(1);
  });

  it.each(["uncaughtException", "unhandledRejection"] as const)(
    "an %s kills every CLI and exits with 1",
    async (event) => {
      raise(event, new Error("unforeseen"));
      await vi.waitFor(() => expect(exits).toEqual([EXIT.failure]));
      expect(executor.kills).toBe(1);
      expect(drains).toEqual([]);
    },
  );

  it("exits although killing fails or hangs", async () => {
    executor.killAll = () => Promise.reject(new Error("cannot"));
    raise("uncaughtException", new Error("unforeseen"));
    await vi.waitFor(() => expect(exits).toEqual([EXIT.failure]));
  });
});
