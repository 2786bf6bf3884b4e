import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const STATIC_IMPORT = /^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm;
/** What the entry may load before the port is open, beside Node's own modules. */
const ALLOWED_PACKAGES = ["eventsource-parser", "zod"];

/** The packages that a file loads when it is imported, directly or through files of the project. */
function packagesOf(path: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(path)) return packages;
  seen.add(path);
  for (const match of readFileSync(path, "utf8").matchAll(STATIC_IMPORT)) {
    const target = match[1] ?? match[2] ?? "";
    if (!target.startsWith(".")) packages.add(target);
    else for (const name of packagesOf(resolve(dirname(path), target), seen)) packages.add(name);
  }
  return packages;
}

describe("the entry", () => {
  it("loads only small packages before the port is open", () => {
    const packages = [...packagesOf(resolve(import.meta.dirname, "main.ts"))];
    expect(packages).toContain("node:http");
    expect(packages.filter((name) => !name.startsWith("node:")).toSorted()).toEqual(ALLOWED_PACKAGES);
  });
});
