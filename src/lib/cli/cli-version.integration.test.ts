import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { findVersion } from "./cli-version.ts";

const ask = (command: string) =>
  findVersion({
    command,
    environment: { PATH: "/nowhere" },
    workDirectory: tmpdir(),
    signal: undefined,
    program: "claude",
    product: "Claude Code",
    minimum: [2, 1, 0],
  });

describe("the version of a CLI that is not there", () => {
  it("is none, and the problem names what was looked for", async () => {
    expect(await ask("claude")).toEqual({
      version: null,
      problem: "`claude` was not found: install Claude Code or give its path.",
    });
    expect(await ask("/no/such/claude")).toEqual({
      version: null,
      problem: "`/no/such/claude` was not found: install Claude Code or correct its path.",
    });
  });

  it("names the program that was found but cannot be started, and of a long path the end", async () => {
    expect((await ask(tmpdir())).problem).toBe(`\`${tmpdir()}\` cannot be started (EACCES).`);
    const { problem } = await ask(`/${"d".repeat(250)}/claude`);
    expect(problem).toMatch(/^`…d+\/claude` was not found/);
    expect(problem?.length).toBeLessThan(300);
  });
});
