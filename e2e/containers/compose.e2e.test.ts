import { execFileSync, spawnSync } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createStandInClaude, type StandInClaude } from "../../src/test/claude-stand-in/create-stand-in.ts";
import { startAgent } from "../support/agent.ts";
import type { StartedProcess } from "../support/child-process.ts";
import { ADMIN_KEY, AGENT_SECRET } from "../support/proxy.ts";

const root = join(import.meta.dirname, "..", "..");
const project = `codewise-e2e-${process.pid}`;
const hasPlugin = spawnSync("docker", ["compose", "version"]).status === 0;
const [program, ...prefix] = hasPlugin ? ["docker", "compose"] : ["docker-compose"];

let port = 0;
let url = "";
let agent: StartedProcess | undefined;
let standIn: StandInClaude | undefined;

function compose(...parameters: string[]): string {
  const env = {
    ...process.env,
    CODEWISE_PORT: String(port),
    CODEWISE_ADMIN_KEY: ADMIN_KEY,
    AGENT_SECRET,
  };
  return execFileSync(program ?? "docker-compose", [...prefix, "-p", project, ...parameters], {
    cwd: root,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 900_000,
  });
}

/** Asks the compose file's PostgreSQL, over TCP as the app does. */
function query(sql: string): string {
  const client = ["psql", "-h", "127.0.0.1", "-U", "codewise", "-Atc", sql];
  return compose("exec", "-T", "-e", "PGPASSWORD=codewise", "postgres", ...client).trim();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function statusOf(path: string): Promise<number | string> {
  return await fetch(`${url}${path}`).then(
    (response) => response.status,
    (error: unknown) => String(error),
  );
}

beforeAll(async () => {
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  compose("up", "--build", "-d");
  await vi.waitFor(async () => expect(await statusOf("/readyz")).toBe(200), { timeout: 120_000, interval: 500 });
}, 900_000);

afterAll(async () => {
  await agent?.stop();
  await standIn?.remove();
  compose("down", "-v", "--rmi", "local", "-t", "10");
}, 120_000);

it("answers /healthz, /readyz and the dashboard from the container", async () => {
  expect(await statusOf("/healthz")).toBe(200);
  const page = await fetch(`${url}/`, { headers: { accept: "text/html" } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("Codewise");
});

it("runs as a non-root user, without a package manager, on PostgreSQL", async () => {
  expect(compose("exec", "-T", "app", "id", "-un").trim()).toBe("node");
  expect(() => compose("exec", "-T", "app", "npm", "--version")).toThrow();
  const tables = query("select tablename from pg_tables where schemaname = 'public' order by 1");
  expect(tables).toContain("requests");
});

it("serves a completion through an agent on the host, and lists its models", async () => {
  const created = compose("exec", "-T", "app", "node", "keys.js", "create", "--name", "compose");
  const apiKey = /cw_[A-Za-z0-9_-]+/.exec(created)?.[0];
  expect(apiKey).toBeDefined();
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: apiKey ?? "", maxRetries: 0 });
  const before = await client.models.list();
  expect(before.data).toEqual([]);

  standIn = await createStandInClaude({ answer: { type: "echo" } });
  agent = await startAgent({ url, id: "host", claudePath: standIn.command });
  await expect
    .poll(async () => (await client.models.list()).data.map((model) => model.id), { timeout: 20_000 })
    .toContain("sonnet");
  const stream = await client.chat.completions.create({
    model: "sonnet",
    stream: true,
    messages: [{ role: "user", content: "over the wall" }],
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  expect(text).toContain("over the wall");
  const countRows = (): string => query("select count(*) from requests where agent_id = 'host' and status = 200");
  await expect.poll(countRows, { timeout: 10_000, interval: 500 }).toBe("1");
});

it("ends with exit code 0 on SIGTERM", () => {
  compose("stop", "-t", "20", "app");
  const state = execFileSync(
    "docker",
    ["inspect", "-f", "{{.State.ExitCode}}", compose("ps", "-q", "app").trim() || `${project}_app_1`],
    { encoding: "utf8" },
  );
  expect(state.trim()).toBe("0");
});
