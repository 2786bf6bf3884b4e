import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentIdSchema } from "../../src/lib/agent/types.ts";
import { ConfigError, loadConfig, type Environment, type RawOptions } from "./config.ts";
import { defaultAgentId, longFlag, OPTION_NAMES, OPTIONS, optionSpec, type OptionName } from "./options.ts";
import { buildProgram } from "./program.ts";

/** For each option: two valid values as text, the first as it is read, and a malformed one. */
const SAMPLES: Record<
  Exclude<OptionName, "config">,
  { texts: [string, string]; read: [unknown, unknown]; bad?: string }
> = {
  url: {
    texts: ["http://127.0.0.1:1", "https://b.example/p/"],
    read: ["http://127.0.0.1:1", "https://b.example/p"],
    bad: "ftp://x",
  },
  secret: { texts: ["first-secret", "second-secret"], read: ["first-secret", "second-secret"], bad: "has space" },
  agentId: { texts: ["one", "two"], read: ["one", "two"], bad: "no/slash" },
  cli: {
    texts: ["codex,claude", "gemini,gemini"],
    read: [["codex", "claude"], ["gemini"]],
    bad: "claude,copilot",
  },
  claudePath: { texts: ["/a/claude", "/b/claude"], read: ["/a/claude", "/b/claude"] },
  codexPath: { texts: ["/a/codex", "/b/codex"], read: ["/a/codex", "/b/codex"] },
  geminiPath: { texts: ["/a/gemini", "/b/gemini"], read: ["/a/gemini", "/b/gemini"] },
  maxConcurrency: { texts: ["3", "4"], read: [3, 4], bad: "0" },
  spares: { texts: ["1", "2"], read: [1, 2], bad: "9" },
  allowModels: { texts: ["sonnet,claude-*", "*"], read: [["sonnet", "claude-*"], ["*"]], bad: "claude-*-4" },
  maxRequestsPerHour: { texts: ["30", "1"], read: [30, 1], bad: "0" },
  maxTokensPerDay: { texts: ["500000", "1"], read: [500_000, 1], bad: "-1" },
  hours: {
    texts: ["09:00-18:00,22:30-06:00", "00:00-24:00"],
    read: [
      [
        { from: 540, to: 1080 },
        { from: 1350, to: 360 },
      ],
      [{ from: 0, to: 1440 }],
    ],
    bad: "9 to 5",
  },
  approve: { texts: ["true", "0"], read: [true, false], bad: "perhaps" },
  approveTimeout: { texts: ["5", "600"], read: [5, 600], bad: "4" },
  workDir: { texts: ["/a", "/b"], read: ["/a", "/b"] },
  spoolDir: { texts: ["/a", "off"], read: ["/a", "off"] },
  passEnv: { texts: ["A,B", "C"], read: [["A", "B"], ["C"]], bad: "A=1" },
  drainTimeout: { texts: ["5", "6"], read: [5, 6], bad: "1.5" },
  logLevel: { texts: ["debug", "warn"], read: ["debug", "warn"], bad: "loud" },
};
const NAMES = OPTION_NAMES.filter((name) => name !== "config");
const REQUIRED: RawOptions = { url: "http://127.0.0.1:3000", secret: "the-secret" };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "codewise-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeConfig(content: unknown, mode = 0o600): string {
  const path = join(folder, "config.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

function problem(flags: RawOptions, env: Environment = {}): string {
  try {
    loadConfig(flags, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

describe("the table of options", () => {
  it("gives every option a flag, a variable, a place in the schema and a row in the README", () => {
    const flags = buildProgram({}, () => undefined).options.map((option) => [option.attributeName(), option.long]);
    const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
    for (const name of OPTION_NAMES) {
      expect(flags).toContainEqual([name, longFlag(name)]);
      expect(OPTIONS[name].env).toMatch(/^CODEWISE_[A-Z_]+$/);
      expect(readme).toMatch(
        new RegExp(`\\| \`${optionSpec(name).flag.replace(/[[\]<>]/g, ".")}\` +\\| \`${OPTIONS[name].env}\``),
      );
    }
    expect(new Set(OPTION_NAMES.map((name) => OPTIONS[name].env)).size).toBe(OPTION_NAMES.length);
  });

  it.each(NAMES)("reads %s from flag before variable before file", (name) => {
    const { texts, read } = SAMPLES[name];
    const others = Object.fromEntries(Object.entries(REQUIRED).filter(([key]) => key !== name));
    const config = writeConfig({ [name]: texts[1] });
    const env = { [OPTIONS[name].env]: texts[0] };
    expect(loadConfig({ ...others, config }, {}).config[name]).toEqual(read[1]);
    expect(loadConfig({ ...others, config }, env).config[name]).toEqual(read[0]);
    expect(loadConfig({ ...others, config, [name]: texts[1] }, env).config[name]).toEqual(read[1]);
    expect(loadConfig({ ...others, config }, { [OPTIONS[name].env]: "" }).config[name]).toEqual(read[1]);
  });

  it.each(NAMES.filter((name) => SAMPLES[name].bad !== undefined))(
    "answers a malformed %s with one line that names it and quotes nothing",
    (name) => {
      const bad = SAMPLES[name].bad ?? "";
      const message = problem({ ...REQUIRED, [name]: bad });
      expect(message).toContain(longFlag(name));
      expect(message).toContain(OPTIONS[name].env);
      expect(message.split("\n")).toHaveLength(1);
      expect(message).not.toContain(`${bad} `);
    },
  );
});

describe("loadConfig", () => {
  it("has defaults for everything but the address, and no secret", () => {
    const { config } = loadConfig(REQUIRED, {});
    expect(config).toMatchObject({
      claudePath: "claude",
      maxConcurrency: 2,
      logLevel: "info",
      passEnv: [],
      drainTimeout: 60,
    });
    expect(agentIdSchema.safeParse(config.agentId).success).toBe(true);
  });

  it("warns of variables that are to be passed on and are not set", () => {
    const warnings = (env: Environment) => loadConfig({ ...REQUIRED, passEnv: ["FIRST_KEY,SECOND_KEY"] }, env).warnings;
    expect(warnings({ FIRST_KEY: "s3cret", SECOND_KEY: "" })).toEqual([]);
    expect(warnings({ FIRST_KEY: "s3cret" })).toEqual([
      "--pass-env names what is not set here, and no CLI will see: SECOND_KEY",
    ]);
  });

  it("requires the CLIs that are named, or else those whose path is given, wherever that is", () => {
    const required = (flags: RawOptions, env: Environment = {}) =>
      loadConfig({ ...REQUIRED, ...flags }, env).requiredClis;
    expect(required({})).toEqual([]);
    expect(required({ claudePath: "/nope" })).toEqual(["claude"]);
    expect(required({ config: writeConfig({ geminiPath: "/nope" }) }, { CODEWISE_CODEX_PATH: "/nope" })).toEqual([
      "codex",
      "gemini",
    ]);
    expect(required({ cli: "gemini", claudePath: "/nope" })).toEqual(["gemini"]);
  });

  it("names all ways to give a missing address", () => {
    expect(problem({ ...REQUIRED, url: undefined })).toBe(
      '--url is missing: give --url, CODEWISE_URL or "url" in the config file',
    );
  });

  it("never quotes the secret", () => {
    for (const secret of ["s3cret with space", "s3cret\n", "s3cretä"])
      expect(problem({ ...REQUIRED, secret })).not.toContain("s3cret");
    expect(problem({ config: writeConfig('{"secret": "s3cret", "url": }') })).not.toContain("s3cret");
    expect(problem({ url: "http://user:s3cret@host/", secret: "x" })).not.toContain("s3cret");
  });

  it("takes numbers and lists in the file as JSON has them", () => {
    const config = writeConfig({ ...REQUIRED, maxConcurrency: 5, passEnv: ["A", "B,C"] });
    expect(loadConfig({ config }, {}).config).toMatchObject({ maxConcurrency: 5, passEnv: ["A", "B", "C"] });
  });

  it("takes the file's name from the variable too", () => {
    const path = writeConfig(REQUIRED);
    expect(loadConfig({}, { CODEWISE_CONFIG: path }).config.secret).toBe("the-secret");
  });

  it.each([
    ["is not JSON", "{", "not valid JSON"],
    ["is no object", "[1]", "one JSON object"],
    ["has an unknown key", { ...REQUIRED, sceret: "x" }, 'unknown key "sceret"'],
    ["names another file", { ...REQUIRED, config: "x" }, 'unknown key "config"'],
  ])("refuses a file that %s", (_title, content, expected) => {
    expect(problem({ config: writeConfig(content) })).toContain(expected);
  });

  it("names a file that cannot be read", () => {
    expect(problem({ config: join(folder, "none.json") })).toMatch(/cannot read .*none\.json \(ENOENT\)/);
  });

  it.skipIf(process.platform === "win32")("warns when others can read a file that holds the secret", () => {
    expect(loadConfig({ config: writeConfig(REQUIRED, 0o644) }, {}).warnings[0]).toContain("chmod 600");
    expect(loadConfig({ config: writeConfig(REQUIRED, 0o600) }, {}).warnings).toEqual([]);
    expect(loadConfig({ ...REQUIRED, config: writeConfig({ logLevel: "info" }, 0o644) }, {}).warnings).toEqual([]);
  });

  it("warns when the secret would travel unencrypted beyond this machine", () => {
    expect(loadConfig({ ...REQUIRED, url: "http://proxy.example" }, {}).warnings[0]).toContain("https://");
    for (const url of ["https://proxy.example", "http://localhost:3000", "http://[::1]:1"]) {
      expect(loadConfig({ ...REQUIRED, url }, {}).warnings).toEqual([]);
    }
  });
});

describe("defaultAgentId", () => {
  it.each([
    ["my-laptop.local", "my-laptop.local"],
    ["Jürgens Laptop", "J-rgens-Laptop"],
    ["-.x", "x"],
    ["ß", "agent"],
    ["", "agent"],
    ["h".repeat(200), "h".repeat(128)],
  ])("makes a valid id of %j", (host, expected) => {
    expect(defaultAgentId(host)).toBe(expected);
    expect(agentIdSchema.safeParse(defaultAgentId(host)).success).toBe(true);
  });
});
