import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { preparePrivateFolder, writeAtomically } from "./private-files.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "codewise-private-"));
});
afterEach(() => rmSync(base, { recursive: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe.skipIf(process.platform === "win32")("a private folder", () => {
  it("is made with those above it, and one that was open is closed to others", () => {
    preparePrivateFolder(join(base, "a", "b"));
    expect([modeOf(join(base, "a")), modeOf(join(base, "a", "b"))]).toEqual([0o700, 0o700]);
    mkdirSync(join(base, "open"), { mode: 0o755 });
    preparePrivateFolder(join(base, "open"));
    expect(modeOf(join(base, "open"))).toBe(0o700);
  });

  it("is none where a link lies in its place", () => {
    mkdirSync(join(base, "other"), { mode: 0o755 });
    symlinkSync(join(base, "other"), join(base, "link"));
    expect(() => preparePrivateFolder(join(base, "link"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
    expect(modeOf(join(base, "other"))).toBe(0o755);
  });
});

describe.skipIf(process.platform === "win32")("a file that is written at once", () => {
  it("takes the place of the old one, for its owner only, and leaves nothing beside it", () => {
    const path = join(base, "file");
    writeFileSync(path, "old", { mode: 0o644 });
    writeAtomically(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(base)).toEqual(["file"]);
  });

  it("leaves nothing behind where it cannot be put there", () => {
    mkdirSync(join(base, "folder", "full"), { recursive: true });
    expect(() => writeAtomically(join(base, "folder"), "new")).toThrow();
    expect(readdirSync(base)).toEqual(["folder"]);
  });
});
