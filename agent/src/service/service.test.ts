import { execFileSync, spawnSync } from "node:child_process";
import { delimiter } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig, type RawOptions } from "../config.ts";
import { launchdPlist } from "./launchd-plist.ts";
import { checkPaths, launchOf, type Launch } from "./launch.ts";
import { serviceManager } from "./manager.ts";
import { systemdUnit } from "./systemd-unit.ts";
import { windowsTask } from "./windows-task.ts";

const AWKWARD = 'a b"c\\d%h$HOME\\';
const LAUNCH: Launch = {
  command: ["/usr/bin/node", "/opt/agent/index.js", "--url", "https://proxy.example", "--work-dir", AWKWARD],
  variables: { PATH: "/usr/bin:/home/a b/bin", XDG_CONFIG_HOME: "/home/a b/config" },
  stopSeconds: 90,
};

describe("launchOf", () => {
  const env = { CODEWISE_URL: "https://proxy.example", CODEWISE_APPROVE: "1", PATH: "/bin", CODEWISE_LOG_LEVEL: "" };
  const flags = { cli: ["claude", "codex"], config: undefined, maxConcurrency: "3" };

  it("takes over what was given by flags and variables, for the same configuration", () => {
    const launch = launchOf(loadConfig(flags, env), flags, env, ["node", "agent.js"]);
    expect(launch).toEqual({
      command: "node agent.js --url https://proxy.example --cli claude --cli codex --max-concurrency 3 --approve".split(
        " ",
      ),
      variables: { PATH: "/bin" },
      stopSeconds: 90,
    });
  });

  it.each([
    [{ secret: "s3cret" }, {}],
    [{}, { CODEWISE_AGENT_SECRET: "s3cret" }],
  ])("never takes over a secret, and says what to do instead", (secretFlags, secretEnv) => {
    const [all, variables] = [
      { ...flags, ...secretFlags },
      { ...env, ...secretEnv },
    ];
    const attempt = () => launchOf(loadConfig(all, variables), all, variables, ["node"]);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(/codewise-agent login/);
    expect(attempt).not.toThrow(/s3cret/);
  });

  it("takes over the folders that the login and the state are found by", () => {
    const variables = { ...env, XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "relative" };
    const launch = launchOf(loadConfig(flags, variables), flags, variables, ["node"]);
    expect(launch.variables).toEqual({ PATH: "/bin", XDG_CONFIG_HOME: "/c" });
  });
});

describe("the PATH of a service", () => {
  it("has none of the folders that npm adds for the time of one command", () => {
    const path = [
      "/repo/agent/node_modules/.bin",
      "/repo/node_modules/.bin/",
      "/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin",
      "/home/me/.npm/_npx/0a1b/node_modules/.bin",
      "/home/me/bin",
      "/usr/lib/node_modules/codex/bin",
      "/usr/bin",
    ];
    const variables = { CODEWISE_URL: "https://proxy.example", PATH: path.join(delimiter) };
    expect(launchOf(loadConfig({}, variables), {}, variables, ["node"]).variables["PATH"]).toBe(
      path.slice(-3).join(delimiter),
    );
  });
});

describe("checkPaths", () => {
  const check = (options: RawOptions) => () =>
    checkPaths(loadConfig({ url: "https://proxy.example", ...options }, {}).config);

  it.each([
    [{ claudePath: "./claude" }, "--claude-path"],
    [{ codexPath: "bin\\codex.exe" }, "--codex-path"],
    [{ geminiPath: "bin/gemini" }, "--gemini-path"],
    [{ workDir: "work" }, "--work-dir"],
    [{ spoolDir: "spool" }, "--spool-dir"],
  ])("refuses %j, which a service would look for elsewhere", (options, flag) => {
    expect(check(options)).toThrow(ConfigError);
    expect(check(options)).toThrow(flag);
  });

  it("takes absolute paths, bare names of programs and no spool", () => {
    expect(check({ claudePath: "claude", codexPath: "/a/codex", workDir: "/tmp", spoolDir: "off" })).not.toThrow();
    expect(check({ spoolDir: "/s" })).not.toThrow();
  });
});

describe("the systemd unit", () => {
  it("starts the command as it is, restarts what may mend itself, and ends in order", () => {
    expect(systemdUnit(LAUNCH)).toBe(`[Unit]
Description=Codewise agent
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart="/usr/bin/node" "/opt/agent/index.js" "--url" "https://proxy.example" "--work-dir" "a b\\"c\\\\d%%h$$HOME\\\\"
Environment="PATH=/usr/bin:/home/a b/bin"
Environment="XDG_CONFIG_HOME=/home/a b/config"
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 3 4 6
KillMode=mixed
TimeoutStopSec=90

[Install]
WantedBy=default.target
`);
  });
});

describe("the launchd property list", () => {
  it.skipIf(!hasPython)("is well-formed, and says the same", () => {
    const plist = launchdPlist({ ...LAUNCH, command: ["node", "<&>"] }, "/log & more");
    expect(plist).toContain("<string>&lt;&amp;&gt;</string>");
    expect(plist).toContain("<key>StandardErrorPath</key>\n  <string>/log &amp; more</string>");
    expect(plist).toMatch(/<key>SuccessfulExit<\/key>\s*<false\/>/);
    const parsed = execFileSync("python3", ["-c", PARSE_PLIST], { input: plist, encoding: "utf8" });
    expect(JSON.parse(parsed)).toMatchObject({ ProgramArguments: ["node", "<&>"], ExitTimeOut: 90, RunAtLoad: true });
    expect(JSON.parse(parsed)).toMatchObject({ EnvironmentVariables: LAUNCH.variables });
  });
});

/** Its standard library reads property lists. CI has it. */
const hasPython = process.env["CI"] !== undefined || spawnSync("python3", ["--version"]).status === 0;
const PARSE_PLIST = "import sys,plistlib,json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";

describe("the Windows task", () => {
  it("quotes arguments as Windows programs read them, starts at logon and has no time limit", () => {
    const task = windowsTask({ ...LAUNCH, variables: { PATH: "/bin" } }, "PC\\me");
    expect(task).toContain("<Command>/usr/bin/node</Command>");
    expect(task).toContain(
      '<Arguments>/opt/agent/index.js --url https://proxy.example --work-dir "a b\\"c\\d%h$HOME\\\\"</Arguments>',
    );
    expect(task).toContain("<UserId>PC\\me</UserId>");
    expect(task).toContain("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>");
  });

  it("is not written where it would not find the login", () => {
    expect(() => windowsTask(LAUNCH, "PC\\me")).toThrow(/XDG_CONFIG_HOME/);
  });
});

describe("the state of a service", () => {
  it.each([
    ["darwin", "gui/501/dev.codewise.agent = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 7\n}\n", true],
    ["darwin", "gui/501/dev.codewise.agent = {\n\tactive count = 0\n\tstate = waiting\n}\n", false],
    ["win32", "4\r\n", true],
    ["win32", "3\r\n", false],
    ["linux", "active\n", true],
  ] as const)("on %s with %j is running: %s", (platform, output, expected) => {
    expect(serviceManager({ HOME: "/h", LOCALAPPDATA: "/l" }, platform, 501).isRunning(output)).toBe(expected);
  });
});
