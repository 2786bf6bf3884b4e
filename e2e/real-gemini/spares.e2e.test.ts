import { afterEach, describe, expect, it } from "vitest";
import { isAlive } from "../../src/test/is-alive.ts";
import { geminiProgram, startRealGemini, type RealGemini } from "./harness.ts";
import { childrenOf } from "./processes.ts";

const spares = (): readonly number[] => childrenOf(process.pid, "--acp");
const asking = (content: string, system: string) => ({
  messages: [
    { role: "system" as const, content: system },
    { role: "user" as const, content },
  ],
});

describe.skipIf(geminiProgram() === undefined)("gemini 0.61.0: processes that wait", () => {
  let gemini: RealGemini;
  afterEach(() => gemini.close());

  it("serve one request each with its own prompt, whatever its model, and end with the executor", async () => {
    gemini = await startRealGemini({ spares: 1 });
    await gemini.ask(asking("one", "SYSTEM-1"));
    await expect.poll(spares, { timeout: 10_000 }).toHaveLength(1);
    expect(gemini.executor.running()).toBe(0);
    const [first] = spares();
    await gemini.ask({ ...asking("/two", "SYSTEM-2"), model: "gemini-2.5-pro" });
    expect(gemini.upstream.requests[1]?.path).toContain("gemini-2.5-pro");
    expect(gemini.upstream.requests[1]?.text).not.toMatch(/one|SYSTEM-1/);
    expect(gemini.bodies()[1]?.systemInstruction.parts).toEqual([{ text: "SYSTEM-2" }]);
    expect(first !== undefined && isAlive(first)).toBe(false);
    await expect.poll(spares, { timeout: 10_000 }).toHaveLength(1);
    await gemini.executor.killAll();
    expect(spares()).toEqual([]);
  });

  it("are not used for other parameters, nor when they have died", async () => {
    gemini = await startRealGemini({ spares: 1 });
    await gemini.ask({});
    await expect.poll(spares, { timeout: 10_000 }).toHaveLength(1);
    await gemini.ask({ temperature: 0.1 });
    expect(gemini.bodies()[1]?.generationConfig["temperature"]).toBe(0.1);
    await expect.poll(spares, { timeout: 10_000 }).toHaveLength(1);
    for (const pid of spares()) process.kill(pid, "SIGKILL");
    expect((await gemini.ask({ temperature: 0.1 })).text).toBe("Hello! This is a plain answer.");
  });
});
