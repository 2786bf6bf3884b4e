import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runProgram } from "../program.ts";
import { serviceManager } from "../service/manager.ts";
import { serviceStatus } from "./service.ts";

let home: string;
let bin: string;
let printed: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codewise-service-"));
  bin = join(home, "bin");
  mkdirSync(bin);
  printed = "";
  const take = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(take);
  vi.spyOn(process.stderr, "write").mockImplementation(take);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(home, { recursive: true });
});

/** A `systemctl` that records how it is called, and ends as told. */
function installSystemctl(exitCode: number): void {
  const path = join(bin, "systemctl");
  writeFileSync(path, `#!/bin/sh\necho "$@" >> "${home}/calls"\necho "as told" >&2\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
}
const calls = (): string[] => readFileSync(join(home, "calls"), "utf8").trimEnd().split("\n");
const unit = (): string => join(home, ".config", "systemd", "user", "codewise-agent.service");

function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<number> {
  return runProgram(["service", ...args], { HOME: home, PATH: bin, CODEWISE_URL: "http://127.0.0.1:1", ...more });
}

function login(): void {
  mkdirSync(join(home, ".config", "codewise-agent"), { recursive: true });
  const proxies = { "http://127.0.0.1:1": { agentId: "laptop", token: "cwa_t0ken" } };
  writeFileSync(join(home, ".config", "codewise-agent", "credentials.json"), JSON.stringify({ proxies }), {
    mode: 0o600,
  });
}

describe.skipIf(process.platform !== "linux")("codewise-agent service", () => {
  it("installs a unit without secrets, starts it, and removes it again", async () => {
    installSystemctl(0);
    login();
    expect(await run(["install", "--max-requests-per-hour", "5"])).toBe(0);
    const text = readFileSync(unit(), "utf8");
    expect(text).toContain('"--url" "http://127.0.0.1:1" "--max-requests-per-hour" "5"');
    expect(text).not.toContain("cwa_t0ken");
    expect(statSync(unit()).mode & 0o077).toBe(0);
    expect(await run(["status"])).toBe(0);
    expect(await run(["uninstall"])).toBe(0);
    expect(existsSync(unit())).toBe(false);
    expect(calls()).toEqual([
      "--user daemon-reload",
      "--user enable codewise-agent.service",
      "--user restart codewise-agent.service",
      "--user is-active codewise-agent.service",
      "--user disable --now codewise-agent.service",
    ]);
    expect(await run(["status"])).toBe(5);
  });

  it("tells what of --pass-env and --approve is otherwise in a service, and nothing without them", async () => {
    installSystemctl(0);
    login();
    expect(await run(["install"])).toBe(0);
    expect(printed).not.toContain("Note:");
    expect(await run(["install", "--pass-env", "GEMINI_API_KEY", "--approve", "--approve-timeout", "90"])).toBe(0);
    expect(printed).toMatch(/^Note: --pass-env: .*GEMINI_API_KEY must be set/m);
    expect(printed).toMatch(/^Note: --approve: .*codewise-agent approve answers, .*within 90 s/m);
  });

  it("has no log to show where no service is installed, says so and ends with 5", async () => {
    expect(await runProgram(["logs"], { HOME: home, PATH: bin })).toBe(5);
    expect(printed).toBe("codewise-agent: no service is installed here, and only a service's log is kept\n");
  });

  it("says what is left to do where there is no systemctl, or where it fails", async () => {
    login();
    expect(await run(["install"])).toBe(0);
    expect(printed).toContain("systemctl was not found. What is left to do:\n  systemctl --user daemon-reload");
    installSystemctl(1);
    expect(await run(["install"])).toBe(1);
    expect(printed).toContain("it failed: as told");
    expect(await run(["status"])).toBe(5);
  });

  it("installs nothing that could not prove itself, or whose secret is in the environment", async () => {
    installSystemctl(0);
    expect(await run(["install"])).toBe(2);
    expect(await run(["install"], { CODEWISE_AGENT_SECRET: "s3cret" })).toBe(2);
    expect(printed).not.toContain("s3cret");
    expect(existsSync(unit())).toBe(false);
    expect(existsSync(join(home, "calls"))).toBe(false);
  });

  it("finds in the service what the shell finds: the login's folder goes with it, a relative path is refused", async () => {
    installSystemctl(0);
    login();
    const config = join(home, "config");
    renameSync(join(home, ".config"), config);
    expect(await run(["install"], { XDG_CONFIG_HOME: config })).toBe(0);
    const path = join(config, "systemd", "user", "codewise-agent.service");
    expect(readFileSync(path, "utf8")).toContain(`Environment="XDG_CONFIG_HOME=${config}"`);
    const file = join(home, "agent.json");
    writeFileSync(file, JSON.stringify({ workDir: "work" }), { mode: 0o600 });
    expect(await run(["install", "--config", file], { XDG_CONFIG_HOME: config })).toBe(2);
    expect(printed).toContain("--work-dir");
  });

  it("does not say of a service that is merely loaded that it runs", () => {
    const manager = serviceManager({ HOME: home }, "darwin", 501);
    mkdirSync(dirname(manager.file), { recursive: true });
    writeFileSync(manager.file, "");
    const path = join(bin, "launchctl");
    for (const [state, exitCode] of [
      ["waiting", 5],
      ["running", 0],
    ] as const) {
      writeFileSync(path, `#!/bin/sh\necho "\tstate = ${state}"\n`);
      chmodSync(path, 0o755);
      expect(serviceStatus({ PATH: bin }, manager)).toBe(exitCode);
    }
    expect(printed).toMatch(/is installed, but does not run[^]*The service runs/);
  });
});
