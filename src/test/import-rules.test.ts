import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const IMPORT = /(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|import\s+"([^"]+)"/g;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Imported project files as paths from the root, and packages by name. */
  readonly imports: readonly string[];
}

function sourceFiles(directory: string): SourceFile[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$|__fixtures__|\/dist\/|node_modules/.test(path))
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const imports = [...text.matchAll(IMPORT)].map((match) => {
        const target = match[1] ?? match[2] ?? match[3] ?? "";
        return target.startsWith(".") ? relative(root, resolve(root, dirname(path), target)) : target;
      });
      return { path, text, imports };
    });
}

const files = [...sourceFiles("src"), ...sourceFiles("agent/src")];

function offenders(from: RegExp, forbidden: RegExp, except: RegExp = /^$/): string[] {
  return files
    .filter((file) => from.test(file.path))
    .flatMap((file) =>
      file.imports
        .filter((target) => forbidden.test(target) && !except.test(target))
        .map((target) => `${file.path} -> ${target}`),
    );
}

describe("who may import whom", () => {
  it("keeps Next and React out of the data plane", () => {
    expect(offenders(/^src\/lib\//, /^(next|react|react-dom)(\/|$)|^src\/(app|components)\//)).toEqual([]);
  });

  it("keeps providers, the schema and the gateway out of the dashboard", () => {
    expect(offenders(/^src\/(app|components)\//, /^src\/lib\/(providers|db|gateway|cli)\//)).toEqual([]);
  });

  it("keeps the gateway, the database and other providers out of a provider", () => {
    expect(offenders(/^src\/lib\/providers\//, /^src\/lib\/(gateway|db|keys|admin|usage|env)/)).toEqual([]);
  });

  it("keeps translators pure: no I/O, clock, randomness or environment", () => {
    const translators = files.filter((file) => /^src\/lib\/providers\/.*\/translate-[^/]*\.ts$/.test(file.path));
    expect(translators.length).toBeGreaterThan(3);
    expect(
      offenders(/\/translate-[^/]*\.ts$/, /^node:|^undici|^src\/lib\/(env|telemetry|providers\/transports)/),
    ).toEqual([]);
    const impure = translators.filter((file) =>
      /Date\.now|new Date|Math\.random|performance\.|process\.|setTimeout|fetch\(/.test(file.text),
    );
    expect(impure.map((file) => file.path)).toEqual([]);
  });

  it("lets the agent take from the proxy only the protocol and the portable CLI driver", () => {
    const allowed = /^src\/lib\/(agent\/types|openai\/|cli\/|http\/errors)/;
    expect(offenders(/^agent\/src\//, /^src\//, allowed)).toEqual([]);
  });

  it("keeps the portable CLI driver free of the proxy", () => {
    const allowed = /^src\/lib\/(cli|openai)\/|^src\/lib\/http\/errors|^src\/lib\/providers\/claude\//;
    expect(offenders(/^src\/lib\/cli\//, /^src\//, allowed)).toEqual([]);
  });

  it("keeps http, openai and telemetry leaves", () => {
    expect(
      offenders(
        /^src\/lib\/(http|openai|telemetry)\//,
        /^src\//,
        /^src\/lib\/(http|openai|telemetry|collections)\/|^src\/lib\/maybe-promise/,
      ),
    ).toEqual([]);
  });

  it("reads the environment in one file of the proxy", () => {
    const readers = files.filter((file) => file.path.startsWith("src/lib/") && file.text.includes("process.env"));
    expect(readers.map((file) => file.path)).toEqual(["src/lib/env.ts"]);
  });

  it("never splits a stream with split on newlines", () => {
    const splitters = files.filter(
      (file) => /^(src\/lib|agent\/src)\//.test(file.path) && /split\(["'`/]\\n/.test(file.text),
    );
    expect(splitters.map((file) => file.path)).toEqual([]);
  });
});
