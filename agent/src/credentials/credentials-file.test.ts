import {
  chmodSync,
  existsSync,
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
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../config.ts";
import { credentialsPath, readCredential, removeCredential, writeCredential } from "./credentials-file.ts";
import { resolveCredential } from "./resolve-credential.ts";

const URL = "https://proxy.example";
const LAPTOP = { agentId: "laptop", token: "cwa_the-token" };

let home: string;
let path: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codewise-credentials-"));
  path = credentialsPath({ HOME: home });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

function problem(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

describe("the file of credentials", () => {
  it("lies below XDG_CONFIG_HOME where that is absolute, else below ~/.config", () => {
    expect(path).toBe(join(home, ".config", "codewise-agent", "credentials.json"));
    expect(credentialsPath({ HOME: home, XDG_CONFIG_HOME: "/x" })).toBe("/x/codewise-agent/credentials.json");
    for (const XDG_CONFIG_HOME of ["", "x"]) expect(credentialsPath({ HOME: home, XDG_CONFIG_HOME })).toBe(path);
  });

  it("keeps one entry for each proxy, and nothing beside the file", () => {
    expect(readCredential(path, URL)).toBeUndefined();
    writeCredential(path, URL, LAPTOP);
    writeCredential(path, "http://127.0.0.1:1", { ...LAPTOP, token: "cwa_other" });
    writeCredential(path, URL, { ...LAPTOP, token: "cwa_newer" });
    expect(readCredential(path, URL)?.token).toBe("cwa_newer");
    removeCredential(path, URL);
    expect([readCredential(path, URL), readCredential(path, "http://127.0.0.1:1")?.token]).toEqual([
      undefined,
      "cwa_other",
    ]);
    expect(readCredential(path, "__proto__")).toBeUndefined();
    expect(readdirSync(dirname(path))).toEqual(["credentials.json"]);
  });

  it.skipIf(process.platform === "win32")("is its owner's alone, and so is its folder, also one that was there", () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    chmodSync(dirname(path), 0o755);
    writeCredential(path, URL, LAPTOP);
    expect([modeOf(path), modeOf(dirname(path))]).toEqual([0o600, 0o700]);
  });

  it.skipIf(process.platform === "win32")(
    "is refused while other users can read or write it, and is left as it is",
    () => {
      writeCredential(path, URL, LAPTOP);
      const before = readFileSync(path, "utf8");
      for (const mode of [0o640, 0o604, 0o620, 0o644]) {
        chmodSync(path, mode);
        for (const use of [() => readCredential(path, URL), () => writeCredential(path, URL, LAPTOP)]) {
          expect(problem(use)).toContain("chmod 600");
        }
      }
      expect(readFileSync(path, "utf8")).toBe(before);
    },
  );

  it.skipIf(process.platform === "win32")("is not followed where it is a link", () => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(join(home, "elsewhere"), JSON.stringify({ proxies: { [URL]: LAPTOP } }), { mode: 0o600 });
    symlinkSync(join(home, "elsewhere"), path);
    expect(problem(() => readCredential(path, URL))).toMatch(/no file of this program|ELOOP/);
  });

  it.each(["", "{", "[]", '{"proxies":1}', '{"proxies":{"a":{"agentId":"x","token":"cwa_s3cret with space"}}}'])(
    "is refused where it is malformed (%j), without quoting it",
    (text) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode: 0o600 });
      const message = problem(() => readCredential(path, URL));
      expect(message).toContain("malformed");
      expect(message).not.toContain("s3cret");
    },
  );
});

describe("what the agent proves itself by", () => {
  const resolve = (flags: object, env: object = {}) => {
    const full = { HOME: home, ...env };
    return resolveCredential(loadConfig({ url: URL, ...flags }, full), full);
  };

  it("is the secret that was given, before the token of a login, and says which", () => {
    writeCredential(path, URL, LAPTOP);
    expect(resolve({ secret: "a" }, { CODEWISE_AGENT_SECRET: "b" })).toMatchObject({ secret: "a", source: "--secret" });
    const byVariable = { secret: "b", source: "CODEWISE_AGENT_SECRET" };
    expect(resolve({}, { CODEWISE_AGENT_SECRET: "b" })).toMatchObject(byVariable);
    const config = join(home, "config.json");
    writeFileSync(config, JSON.stringify({ secret: "c" }), { mode: 0o600 });
    expect(resolve({ config })).toMatchObject({ secret: "c", source: "the config file" });
    expect(resolve({})).toMatchObject({
      secret: LAPTOP.token,
      agentId: "laptop",
      source: expect.stringContaining(path),
    });
    expect(resolve({}).source).not.toContain(LAPTOP.token);
  });

  it("is asked for in one line that names all ways, where there is nothing for this URL", () => {
    writeCredential(path, "https://another.example", LAPTOP);
    expect(problem(() => resolve({}))).toBe(
      `not logged in at ${URL}: run codewise-agent login, or give --secret, CODEWISE_AGENT_SECRET or "secret" in the config file`,
    );
    expect(existsSync(path)).toBe(true);
  });

  it("is not used under another agent id", () => {
    writeCredential(path, URL, LAPTOP);
    expect(problem(() => resolve({ agentId: "desk" }))).toContain("--agent-id");
    expect(resolve({ agentId: "laptop" }).agentId).toBe("laptop");
  });
});
