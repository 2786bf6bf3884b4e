import { describe, expect, it } from "vitest";
import { stateFolder } from "./state-folder.ts";

describe("stateFolder", () => {
  it.each([
    ["linux", { HOME: "/h" }, "/h/.local/state/codewise"],
    ["linux", { HOME: "/h", XDG_STATE_HOME: "/s" }, "/s/codewise"],
    ["linux", { HOME: "/h", XDG_STATE_HOME: "relative" }, "/h/.local/state/codewise"],
    ["darwin", { HOME: "/h", XDG_STATE_HOME: "/s" }, "/h/Library/Application Support/codewise"],
    ["win32", { LOCALAPPDATA: "/l" }, "/l/codewise"],
  ] as const)("on %s with %j is %s", (platform, env, expected) => {
    expect(stateFolder(env, platform)).toBe(expected);
  });
});
