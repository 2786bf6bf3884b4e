import { describe, expect, it } from "vitest";
import { measureInTurn } from "./in-turn.ts";

describe("measuring in turn", () => {
  it("asks one after the other, backwards in every other turn, and keeps each one's figures in the order of turns", async () => {
    const asked: string[] = [];
    let running = 0;
    const times = await measureInTurn(["local", "agent"], 3, async (name) => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
      return asked.push(name);
    });
    expect(asked).toEqual(["local", "agent", "agent", "local", "local", "agent"]);
    expect(times).toEqual([
      [1, 4, 5],
      [2, 3, 6],
    ]);
  });
});
