/**
 * `npm run demo`: the main job with nothing installed. Starts the proxy and an agent with a stand-in CLI that replays a
 * recording of the real one, asks through the official `openai` package and streams the answer to the terminal.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { createStandInClaude } from "../src/test/claude-stand-in/create-stand-in.ts";

const root = join(import.meta.dirname, "..");
const RECORDING = join(root, "src", "lib", "cli", "claude", "__fixtures__", "plain-minimal.ndjson");
const AGENT_WAIT_MS = 20_000;
const POLL_MS = 50;

function start(name: string, program: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, program, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) process.stderr.write(`${name} ended with ${code}:\n${stderr}\n`);
  });
  return child;
}

/** Reads the proxy's greeting up to the client key. */
async function readGreeting(proxy: ChildProcess): Promise<{ readonly url: string; readonly apiKey: string }> {
  let text = "";
  const found = Promise.withResolvers<{ url: string; apiKey: string }>();
  proxy.stdout?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    const url = /listens on (\S+)/.exec(text)?.[1];
    const apiKey = /OPENAI_API_KEY=(\S+)/.exec(text)?.[1];
    if (url !== undefined && apiKey !== undefined) found.resolve({ url, apiKey });
  });
  proxy.once("exit", () => found.reject(new Error("the proxy ended before it was ready")));
  return await found.promise;
}

async function waitForModel(client: OpenAI, model: string): Promise<void> {
  const deadline = performance.now() + AGENT_WAIT_MS;
  while (performance.now() < deadline) {
    const { data } = await client.models.list();
    if (data.some((offered) => offered.id === model)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("the agent did not connect in time");
}

const dataDirectory = mkdtempSync(join(tmpdir(), "codewise-demo-"));
const secret = randomBytes(24).toString("base64url");
const standIn = await createStandInClaude({ answer: { type: "replay", file: RECORDING }, delayMs: 60 });
const children: ChildProcess[] = [];
try {
  const proxy = start("proxy", ["src/server/main.ts", "--no-dashboard"], {
    PORT: "0",
    HOST: "127.0.0.1",
    AGENT_SECRET: secret,
    CODEWISE_DATA_DIR: dataDirectory,
    DATABASE_URL: "",
    LOG_LEVEL: "warn",
  });
  children.push(proxy);
  const { url, apiKey } = await readGreeting(proxy);
  process.stdout.write(`proxy    ${url}\n`);
  children.push(
    start("agent", ["agent/src/index.ts"], {
      CODEWISE_URL: url,
      CODEWISE_AGENT_SECRET: secret,
      CODEWISE_AGENT_ID: "demo-laptop",
      CODEWISE_CLAUDE_PATH: standIn.command,
      CODEWISE_CONFIG: "",
      CODEWISE_LOG_LEVEL: "warn",
    }),
  );
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey });
  await waitForModel(client, "sonnet");
  process.stdout.write(
    "agent    demo-laptop, with a stand-in for claude that replays a recording\nask      sonnet: Say hello\nanswer   ",
  );

  const { data: stream, response } = await client.chat.completions
    .create({
      model: "sonnet",
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: "user", content: "Say hello" }],
    })
    .withResponse();
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? "");
    usage = chunk.usage ?? usage;
  }
  const { headers } = response;
  process.stdout.write(`\nserved   ${headers.get("x-codewise-provider")} on ${headers.get("x-codewise-agent")}\n`);
  process.stdout.write(`usage    ${JSON.stringify(usage)}\n`);
  if (!usage) throw new Error("the answer came without its usage");
} finally {
  for (const child of children.toReversed()) {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  await standIn.remove();
  rmSync(dataDirectory, { recursive: true, force: true });
}
