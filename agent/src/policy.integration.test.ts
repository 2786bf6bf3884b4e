/** The owner's rules as the owner meets them: a process, its commands, a stand-in for `claude`, and a scripted proxy. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStandInClaude, type StandInClaude } from "../../src/test/claude-stand-in/create-stand-in.ts";
import { findAgents } from "./control/control-client.ts";
import { stateFolder } from "./state-folder.ts";
import { startScriptedProxy, TEST_SECRET, type ScriptedProxy } from "./testing/scripted-proxy.ts";

const ENTRY = join(import.meta.dirname, "index.ts");

let proxy: ScriptedProxy;
let claude: StandInClaude;
let home: string;
let agent: ChildProcess | undefined;
let stderr: string;

beforeEach(async () => {
  proxy = await startScriptedProxy();
  claude = await createStandInClaude({ answer: { type: "echo" } });
  home = await mkdtemp(join(tmpdir(), "codewise-policy-"));
  [agent, stderr] = [undefined, ""];
});

afterEach(async () => {
  await end("SIGKILL");
  await proxy.close();
  await claude.remove();
  await rm(home, { recursive: true, force: true });
});

function run(args: readonly string[]): ChildProcess {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    NODE_ENV: "production" as const,
    CODEWISE_URL: proxy.url,
    CODEWISE_AGENT_SECRET: TEST_SECRET,
    CODEWISE_CLI: "claude",
    CODEWISE_CLAUDE_PATH: claude.command,
    CODEWISE_WORK_DIR: home,
    CODEWISE_AGENT_ID: "laptop",
  };
  return spawn(process.execPath, [ENTRY, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function start(flags: readonly string[]): Promise<void> {
  agent = run(flags);
  agent.stderr?.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const before = proxy.received("hello").length;
  await proxy.until(() => proxy.received("hello").length > before);
}

async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  agent.kill(signal);
  await once(agent, "close");
}

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = run(args);
  let [out, err] = ["", ""];
  child.stdout?.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr?.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}

/** The first line of the log with this message. */
function logged(message: string): unknown {
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line): unknown => JSON.parse(line)).find((line) => Object(line).msg === message);
}
const ended = (id: string): Promise<void> =>
  proxy.until(() => ["complete", "error", "reject"].includes(proxy.last(id)?.type ?? ""));
/** The numbers of what waits for approval, as the commands learn it. */
async function waiting(): Promise<readonly number[]> {
  const [running] = (await findAgents(stateFolder({ HOME: home }))).agents;
  return running?.status.questions.map(({ number }) => number) ?? [];
}
const WAIT = { timeout: 10_000, interval: 50 };
const offered = (): readonly string[] | undefined => proxy.received("hello").at(-1)?.models;
const isDraining = (): boolean | undefined => proxy.received("heartbeat").at(-1)?.draining;

describe("codewise-agent under its owner's rules", () => {
  it("offers the allowed models only, and refuses another one without starting the CLI", async () => {
    await start(["--allow-models", "sonnet"]);
    expect(offered()).toEqual(["sonnet"]);
    proxy.request("r1", { model: "opus" });
    await ended("r1");
    expect(proxy.last("r1")).toMatchObject({ type: "reject", code: "policy" });
    expect((await claude.readRecords()).filter((entry) => entry.type === "start")).toEqual([]);
  });

  it("tells the proxy when the requests of the hour are used up, and counts on after kill -9", async () => {
    await start(["--max-requests-per-hour", "1"]);
    expect(isDraining()).toBe(false);
    proxy.request("r1");
    proxy.request("r2");
    await Promise.all([ended("r1"), ended("r2")]);
    expect(proxy.last("r1")?.type).toBe("complete");
    expect(proxy.last("r2")).toMatchObject({ type: "reject", code: "policy" });
    await proxy.until(() => offered()?.length === 0 && isDraining() === true);
    await end("SIGKILL");
    proxy.committed.clear();
    stderr = "";
    await start(["--max-requests-per-hour", "1"]);
    expect(offered()).toEqual([]);
    const { out, code } = await command("status");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}cli {9}claude \S+ is ready$/m);
    expect(out).toContain("offers      nothing now");
    expect(logged("takes no requests")).toMatchObject({ reason: "requests", until: expect.stringMatching(/Z$/) });
    expect(out).toContain("the requests of the hour are used up");
    expect(out).toContain("1 of 1 requests");
  });

  it("counts the tokens that the CLI tells", async () => {
    await start(["--max-tokens-per-day", "100000000"]);
    proxy.request("r1");
    await ended("r1");
    const complete = proxy.last("r1");
    const total = complete?.type === "complete" ? complete.usage?.total_tokens : undefined;
    expect(total).toBeGreaterThan(0);
    const { out } = await command("status", "--json");
    expect(JSON.parse(out)).toMatchObject({
      agents: [
        {
          clis: [{ name: "claude", ready: true }],
          models: offered(),
          limits: { tokensToday: { used: total, estimated: 0 } },
          totals: { completed: 1 },
        },
      ],
    });
  });

  it("pauses and resumes by command, says so to the proxy at once, and keeps a pause over a restart", async () => {
    await start([]);
    expect(offered()?.length).toBeGreaterThan(0);
    const paused = await command("pause");
    expect(paused).toMatchObject({ code: 0, out: expect.stringContaining("paused, until codewise-agent resume") });
    await proxy.until(() => offered()?.length === 0 && isDraining() === true);
    proxy.request("r1");
    await ended("r1");
    expect(proxy.last("r1")).toMatchObject({ type: "reject", code: "policy" });
    await end("SIGTERM");
    proxy.committed.clear();
    stderr = "";
    await start([]);
    expect(offered()).toEqual([]);
    expect(await command("resume")).toMatchObject({ code: 0, out: expect.stringContaining("takes requests again") });
    expect(logged("takes no requests")).toMatchObject({ reason: "paused" });
    await proxy.until(() => offered()?.length !== 0 && isDraining() === false);
    proxy.request("r2");
    await ended("r2");
    expect(proxy.last("r2")?.type).toBe("complete");
    expect(await command("pause", "--for", "soon")).toMatchObject({ code: 2 });
  });

  it("answers with 5 where no agent runs, and with 6 where the agent runs already", async () => {
    for (const name of ["status", "pause", "resume"]) {
      expect(await command(name)).toMatchObject({ code: 5, err: expect.stringContaining("no agent runs here") });
    }
    await start([]);
    const second = run([]);
    const [code] = (await once(second, "close")) as [number];
    expect(code).toBe(6);
    expect(await command("status", "--agent-id", "other")).toMatchObject({ code: 5 });
    expect(await command("approve", "1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no request 1 waits"),
    });
  });

  it("with --approve runs nothing without its owner's word, and forgets what the proxy cancels", async () => {
    await start(["--approve"]);
    for (const id of ["r1", "r2"]) {
      proxy.request(id, { body: { model: "sonnet", messages: [{ role: "user", content: `QUESTION ${id}` }] } });
    }
    await vi.waitFor(async () => expect(await waiting()).toHaveLength(2), WAIT);
    expect((await command("status")).out).toMatch(/ s left, "[^"]*": QUESTION r1[^]*QUESTION r2/);
    expect(logged("a request waits for approval")).toMatchObject({
      number: 1,
      requestId: "r1",
      model: "sonnet",
      answer: "codewise-agent approve 1, or deny 1",
    });
    expect((await claude.readRecords()).filter((entry) => entry.type === "start")).toEqual([]);
    expect(await command("approve", "1")).toMatchObject({ code: 0 });
    expect(await command("deny", "2")).toMatchObject({ code: 0 });
    await Promise.all([ended("r1"), ended("r2")]);
    expect(proxy.last("r1")?.type).toBe("complete");
    expect(proxy.last("r2")).toMatchObject({ type: "reject", code: "policy" });
    proxy.request("r3");
    await vi.waitFor(async () => expect(await waiting()).toEqual([3]), WAIT);
    proxy.send("cancel", { requestId: "r3", reason: "client_closed" });
    await ended("r3");
    expect(proxy.last("r3")).toMatchObject({ type: "error", code: "cancelled" });
    expect(await waiting()).toEqual([]);
    expect(stderr).not.toContain("QUESTION");
  });
});
