/** The whole way of an agent, as its owner and the operator go it: processes over real sockets, and no AGENT_SECRET. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createStandInClaude, type StandInClaude } from "../src/test/claude-stand-in/create-stand-in.ts";
import { startProxyHarness, TEST_ADMIN_KEY, type ProxyHarness } from "../src/test/proxy-harness.ts";

const SCRIPT = join(import.meta.dirname, "agents.ts");
const AGENT = join(import.meta.dirname, "..", "agent", "src", "index.ts");

interface Running {
  readonly child: ChildProcess;
  readonly output: { text: string };
}

let proxy: ProxyHarness;
let claude: StandInClaude;
let home: string;
let running: Running[] = [];
beforeAll(async () => {
  proxy = await startProxyHarness({ AGENT_SECRET: "" });
  claude = await createStandInClaude({ answer: { type: "echo" } });
});
afterEach(async () => {
  for (const { child } of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  running = [];
  if (home !== undefined) await rm(home, { recursive: true, force: true });
});
afterAll(async () => {
  await proxy.close();
  await claude.remove();
});

function start(program: string, parameters: readonly string[], env: Record<string, string>): Running {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, ["--no-warnings", program, ...parameters], {
    env: { NODE_ENV: "production", PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => (output.text += part.toString()));
  const started = { child, output };
  running.push(started);
  return started;
}

async function end({ child, output }: Running): Promise<{ readonly exitCode: number | null; readonly text: string }> {
  if (child.exitCode === null) await once(child, "close");
  return { exitCode: child.exitCode, text: output.text };
}

const operator = (...parameters: string[]) =>
  end(start(SCRIPT, parameters, { CODEWISE_URL: proxy.url, CODEWISE_ADMIN_KEY: TEST_ADMIN_KEY }));
const agent = (...parameters: string[]) =>
  start(AGENT, [...parameters, "--url", proxy.url], {
    HOME: home,
    CODEWISE_CLAUDE_PATH: claude.command,
    CODEWISE_WORK_DIR: home,
  });

async function ask(key: string) {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "sonnet", messages: [{ role: "user", content: "over the whole way" }] }),
  });
  return { status: response.status, text: await response.text(), agent: response.headers.get("x-codewise-agent") };
}

/** The code that a login shows. */
async function codeOf({ output }: Running): Promise<string> {
  await expect.poll(() => output.text, { timeout: 15_000 }).toMatch(/^Code: \S+$/m);
  return /^Code: (\S+)$/m.exec(output.text)?.[1] ?? "";
}

const ready = (): boolean => proxy.runtime.manager.status().agents.some(({ state }) => state === "ready");

describe("an agent that logs in", () => {
  it(
    "serves its owner, and nobody else, until it is revoked: then it ends with 3 and cannot come back",
    { timeout: 60_000 },
    async () => {
      home = await mkdtemp(join(tmpdir(), "codewise-agent-home-"));
      const login = agent("login", "--agent-id", "laptop");
      const code = await codeOf(login);
      const pending = await operator("pending");
      expect(pending.text).toMatch(new RegExp(`^${code}  laptop  .*127\\.0\\.0\\.1`, "m"));
      const owner = (await proxy.runtime.keyStore.list())[0]?.id ?? "";
      const approved = await operator("approve", code, "--key", owner);
      expect(approved.exitCode).toBe(0);
      expect(approved.text).toMatch(
        new RegExp(`^Approved laptop \\([^)]+, 127\\.0\\.0\\.1\\) for ${owner}; it serves this key only\\.\\n$`),
      );
      expect(await end(login)).toMatchObject({ exitCode: 0, text: expect.stringContaining("Logged in at") });

      const file = join(home, ".config", "codewise-agent", "credentials.json");
      const { token } = JSON.parse(await readFile(file, "utf8")).proxies[proxy.url];
      expect(token).toMatch(/^cwa_/);
      expect([(await stat(file)).mode & 0o777, (await stat(join(file, ".."))).mode & 0o777]).toEqual([0o600, 0o700]);

      const doctor = await end(agent("doctor"));
      expect(doctor).toMatchObject({
        exitCode: 0,
        text: expect.stringMatching(/secret {2}accepted \(from the login kept in /),
      });
      const served = agent();
      await expect.poll(ready, { timeout: 15_000 }).toBe(true);
      const answer = await ask(proxy.apiKey);
      expect(answer).toMatchObject({
        status: 200,
        agent: "laptop",
        text: expect.stringContaining("over the whole way"),
      });
      const { key: stranger } = await proxy.runtime.keyStore.create("stranger");
      expect(await ask(stranger)).toMatchObject({
        status: 503,
        text: expect.stringContaining("no_provider_available"),
      });

      const id = (await proxy.runtime.agentStore.list())[0]?.id ?? "";
      expect((await operator("list")).text).toMatch(new RegExp(`^${id}  laptop  its owner .* active$`, "m"));
      expect(await operator("revoke", id)).toMatchObject({ exitCode: 0, text: `Revoked ${id} (laptop).\n` });
      const ended = await end(served);
      expect(ended).toMatchObject({ exitCode: 3, text: expect.stringContaining("log in again") });
      expect(await end(agent())).toMatchObject({ exitCode: 3 });
      expect(await end(agent("logout"))).toMatchObject({ exitCode: 0, text: `Logged out at ${proxy.url}.\n` });
      expect(await end(agent())).toMatchObject({
        exitCode: 2,
        text: expect.stringContaining("run codewise-agent login"),
      });
      for (const { text } of [...running.map(({ output }) => output), doctor]) expect(text).not.toContain(token);
    },
  );

  it("ends with 3 where it is denied, and keeps nothing", { timeout: 60_000 }, async () => {
    home = await mkdtemp(join(tmpdir(), "codewise-agent-home-"));
    const login = agent("login");
    expect(await operator("deny", await codeOf(login))).toMatchObject({ exitCode: 0, text: "Denied.\n" });
    expect(await end(login)).toMatchObject({ exitCode: 3, text: expect.stringContaining("was denied or has expired") });
    expect(await end(agent("logout"))).toMatchObject({ exitCode: 0, text: `Not logged in at ${proxy.url}.\n` });
  });
});

describe("npm run agents", () => {
  it.each([
    ["an unknown code", ["deny", "BBBB-BBBB"], {}, 1, /answered 404: No login waits/],
    ["an unknown id", ["revoke", "agt_none"], {}, 1, /answered 404: There is no enrolled agent/],
    ["no key", ["approve", "BBBB-BBBB"], {}, 2, /required option '--key <key id>'/],
    ["a share that is none", ["approve", "BBBB-BBBB", "--key", "k", "--share", "some"], {}, 2, /Allowed choices/],
    ["no admin key", ["list"], { CODEWISE_ADMIN_KEY: "" }, 2, /Set CODEWISE_ADMIN_KEY/],
    ["no proxy", ["list"], { CODEWISE_URL: "http://127.0.0.1:1" }, 1, /no proxy answers at/],
  ])("says in words what is wrong: %s", async (_, parameters, change, exitCode, message) => {
    const env = { CODEWISE_URL: proxy.url, CODEWISE_ADMIN_KEY: TEST_ADMIN_KEY, ...change };
    const failed = await end(start(SCRIPT, parameters, env));
    expect(failed).toMatchObject({ exitCode, text: expect.stringMatching(message) });
    expect(failed.text).not.toContain("    at ");
  });
});
