import { describe, expect, it } from "vitest";
import { describeOpenFailure } from "./describe-open-failure.ts";

describe("describeOpenFailure", () => {
  it.each([
    [new Error("PGlite failed to initialize properly"), "PGlite failed to initialize properly"],
    [{ name: "ErrnoError", errno: 51 }, "ENOSPC: no space left on the device"],
    [{ name: "ErrnoError", errno: 7 }, "ErrnoError 7"],
    ["a text", "a text"],
    [{ some: "object" }, "unknown error"],
    [undefined, "unknown error"],
  ])("says %j in words", (thrown, words) => {
    expect(describeOpenFailure(thrown)).toBe(words);
  });
});
