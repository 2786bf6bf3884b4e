/** The agent as its owner runs it: a process with a real executor, a stand-in for `claude`, and a scripted proxy. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Dirent } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStandInClaude, type StandInClaude } from "../../src/test/claude-stand-in/create-stand-in.ts";
import { generateDeltas } from "../../src/test/claude-stand-in/generate-answer.ts";
import { isAlive } from "../../src/test/is-alive.ts";
import type { StandInConfig } from "../../src/test/claude-stand-in/config.ts";
import { answerJson, startScriptedProxy, TEST_SECRET, type ScriptedProxy } from "./testing/scripted-proxy.ts";

const ENTRY = join(import.meta.dirname, "index.ts");

let proxy: ScriptedProxy;
let claude: StandInClaude;
let workFolder: string;
let agent: ChildProcess | undefined;
let stderr: string;
let stdout: string;

beforeEach(async () => {
  proxy = await startScriptedProxy();
  workFolder = await mkdtemp(join(tmpdir(), "codewise-agent-test-"));
  [stderr, stdout, agent] = ["", "", undefined];
});

afterEach(async () => {
  if (agent?.exitCode === null && agent.signalCode === null) {
    agent.kill("SIGKILL");
    await once(agent, "close");
  }
  await proxy.close();
  await claude?.remove();
  await rm(workFolder, { recursive: true, force: true });
});

/** Starts it with a clean environment; `flags` come after those that every test needs. */
async function start(config: StandInConfig, flags: readonly string[] = []): Promise<ChildProcess> {
  claude = await createStandInClaude(config);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: workFolder,
    CODEWISE_AGENT_SECRET: TEST_SECRET,
    CODEWISE_CLAUDE_PATH: claude.command,
    CODEWISE_WORK_DIR: workFolder,
  };
  return launch(["--url", proxy.url, ...flags], env);
}

function launch(flags: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...flags], {
    env: { ...env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  agent = child;
  return child;
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, "close");
  return child.exitCode;
}

async function pids(): Promise<number[]> {
  return (await claude.readRecords()).flatMap((entry) =>
    entry.type === "start" || entry.type === "grandchild" ? [entry.pid] : [],
  );
}

/** All files below its home, and the folders of its work; the folder where spools are kept stays. */
async function leftBehind(): Promise<string[]> {
  const entries = await readdir(workFolder, { recursive: true, withFileTypes: true });
  const isOfSpools = ({ name, parentPath }: Dirent): boolean => `${parentPath}/${name}/`.includes("/.local/");
  return entries.filter((entry) => entry.isFile() || !isOfSpools(entry)).map(({ name }) => name);
}

async function expectNoProcessLeft(): Promise<void> {
  const started = await pids();
  expect(started.length).toBeGreaterThan(0);
  await vi.waitFor(() => expect(started.filter(isAlive)).toEqual([]), { timeout: 5000 });
}

const HANGING: StandInConfig = {
  answer: { type: "generate", seed: 1, characters: 2000 },
  hangAfterLines: 12,
  grandchild: "quiet",
};

describe("codewise-agent as a process", () => {
  it("streams the CLI's exact text, drains at SIGTERM, and leaves with 0 and nothing behind", async () => {
    const child = await start({ answer: { type: "generate", seed: 7, characters: 10_000 }, pieceBytes: 997 });
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => ["complete", "error"].includes(proxy.last("r1")?.type ?? ""));
    expect(proxy.last("r1")).toMatchObject({ type: "complete", finishReason: "stop", usageSource: "cli" });
    expect(proxy.text("r1")).toBe(generateDeltas(7, 10_000).join(""));
    child.kill("SIGTERM");
    expect(await exitCode(child)).toBe(0);
    expect(proxy.received("goodbye")).toHaveLength(1);
    await expectNoProcessLeft();
    expect(await leftBehind()).toEqual([]);
  });

  it("logs lines of JSON without a terminal, with neither the prompt nor the answer nor the secret", async () => {
    const child = await start({ answer: { type: "echo" } }, ["--log-level", "debug"]);
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1", { body: { model: "sonnet", messages: [{ role: "user", content: "PRIVATE" }] } });
    await proxy.until(() => proxy.last("r1")?.type === "complete");
    expect(proxy.text("r1")).toContain("PRIVATE");
    child.kill("SIGINT");
    expect(await exitCode(child)).toBe(0);
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ level: "info", msg: "connected" }));
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: "request ended", requestId: "r1", outcome: "complete" }),
    );
    expect(stderr + stdout).not.toMatch(new RegExp(`PRIVATE|${TEST_SECRET}`));
  });

  it("ends the whole process group when the proxy cancels", async () => {
    await start(HANGING);
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => proxy.text("r1") !== "");
    const sentAt = performance.now();
    proxy.send("cancel", { requestId: "r1", reason: "client_closed" });
    await expectNoProcessLeft();
    expect(performance.now() - sentAt).toBeLessThan(2000);
    await proxy.until(() => proxy.last("r1")?.type === "error");
    expect(proxy.last("r1")).toMatchObject({ code: "cancelled" });
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("kills what runs at a second %s and exits with %i", async (signal, code) => {
    const child = await start({ ...HANGING, ignoreSigterm: true });
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => proxy.text("r1") !== "");
    child.kill(signal);
    await proxy.until(() => proxy.received("heartbeat").some((message) => message.draining === true));
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await exitCode(child)).toBe(code);
    await expectNoProcessLeft();
  });

  it("ends what runs longer than --drain-timeout and says so to the proxy", async () => {
    const child = await start(HANGING, ["--drain-timeout", "0"]);
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => proxy.text("r1") !== "");
    child.kill("SIGTERM");
    expect(await exitCode(child)).toBe(0);
    expect(proxy.last("r1")).toMatchObject({ type: "error", code: "agent_lost" });
    await expectNoProcessLeft();
  });

  it("leaves no CLI running when it is killed itself", async () => {
    const child = await start(HANGING);
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => proxy.text("r1") !== "");
    child.kill("SIGKILL");
    await exitCode(child);
    expect(child.signalCode).toBe("SIGKILL");
    await expectNoProcessLeft();
  });

  it("goes on after a sleep that was shorter than the grace", async () => {
    const child = await start({ answer: { type: "generate", seed: 3, characters: 4000 }, delayMs: 2 });
    await proxy.until(() => proxy.received("hello").length > 0);
    proxy.request("r1");
    await proxy.until(() => proxy.text("r1") !== "");
    child.kill("SIGSTOP");
    proxy.cutStream();
    child.kill("SIGCONT");
    await proxy.until(() => ["complete", "error"].includes(proxy.last("r1")?.type ?? ""));
    expect(proxy.text("r1")).toBe(generateDeltas(3, 4000).join(""));
    expect(proxy.last("r1")?.type).toBe("complete");
  });

  it("exits with 3 and one line of explanation when the secret is refused", async () => {
    proxy.connectScripts.push((response) => answerJson(response, 401, {}));
    const child = await start({ answer: { type: "echo" } });
    expect(await exitCode(child)).toBe(3);
    expect(stderr).toContain("refused the secret");
    expect(stderr).not.toContain(TEST_SECRET);
  });

  it.each([
    [["--max-concurrency", "0"], "--max-concurrency"],
    [["--no-such-option=s3cret"], "unknown option '--no-such-option'"],
    [["s3cret"], "too many arguments"],
    [["--url", "http://127.0.0.1:1"], "not logged in at http://127.0.0.1:1: run codewise-agent login"],
  ])("answers %j with one line and exit code 2", async (flags, words) => {
    claude = await createStandInClaude({ answer: { type: "echo" } });
    const env: Readonly<Record<string, string>> = flags.includes("--url")
      ? {}
      : { CODEWISE_URL: "http://127.0.0.1:1", CODEWISE_AGENT_SECRET: "s3cret" };
    const child = launch(flags, env);
    expect(await exitCode(child)).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stderr).not.toContain("s3cret");
  });
});
