import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFileStore, type PolicyState } from "./policy-state.ts";

let folder: string;
let path: string;
let problems: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "codewise-state-"));
  path = join(folder, "sub", "state.json");
  problems = [];
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

const store = () => createFileStore(path, (problem) => problems.push(problem));
const STATE: PolicyState = {
  pause: { at: 1, forMs: null },
  ledger: { requests: [1, 2], day: "2026-11-25", tokens: 3, estimatedTokens: 1 },
};

describe("the state file", () => {
  it("gives back what was saved, in a file and a folder that are closed to others, and leaves nothing else", () => {
    expect(store().load()).toBeUndefined();
    store().save(STATE);
    store().save(STATE);
    expect(store().load()).toEqual(STATE);
    expect(problems).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "sub")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, "sub"))).toEqual(["state.json"]);
  });

  it.each(["", "{", "null", '{"pause":null}', JSON.stringify({ ...STATE, pause: { at: "x" } }), "x".repeat(2_000_000)])(
    "counts as none, and says so, where it is damaged",
    (text) => {
      store().save(STATE);
      writeFileSync(path, text);
      expect(store().load()).toBeUndefined();
      expect(problems).toEqual([expect.stringContaining("is damaged")]);
      store().save(STATE);
      expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(STATE);
    },
  );

  it("stops nothing where it cannot be written, and says so once", () => {
    writeFileSync(join(folder, "sub"), "a file where the folder should be");
    const broken = store();
    expect(broken.load()).toBeUndefined();
    broken.save(STATE);
    broken.save(STATE);
    expect(problems.filter((problem) => problem.includes("cannot write"))).toHaveLength(1);
  });
});
