import { describe, expect, it } from "vitest";
import { spoolFolder } from "./spool-folder.ts";

describe.skipIf(process.platform === "win32")("spoolFolder", () => {
  it("lies below the user's own folder for state, as each system has it", () => {
    const env = { HOME: "/home/me" };
    expect(spoolFolder(undefined, env, "linux")).toBe("/home/me/.local/state/codewise/agent");
    expect(spoolFolder(undefined, { ...env, XDG_STATE_HOME: "/state" }, "linux")).toBe("/state/codewise/agent");
    expect(spoolFolder(undefined, { ...env, XDG_STATE_HOME: "not/absolute" }, "linux")).toBe(
      "/home/me/.local/state/codewise/agent",
    );
    expect(spoolFolder(undefined, env, "darwin")).toBe("/home/me/Library/Application Support/codewise/agent");
    expect(spoolFolder(undefined, { LOCALAPPDATA: "/local" }, "win32")).toBe("/local/codewise/agent");
  });

  it("is where it was told to be, or nowhere", () => {
    expect(spoolFolder("/kept/here", {}, "linux")).toBe("/kept/here");
    expect(spoolFolder("off", {}, "linux")).toBeUndefined();
  });
});
