/**
 * Packs `codewise-agent`, checks the package with publint, installs it into an empty folder without a registry, and, with
 * each line of Node that it promises to run on, runs what a newcomer runs first and serves a request. Exits with 1 at the
 * first thing that is wrong.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { startScriptedProxy, TEST_SECRET } from "../agent/src/testing/scripted-proxy.ts";
import { createStandInClaude } from "../src/test/claude-stand-in/create-stand-in.ts";
import { fetchNode, NODE_VERSIONS } from "./fetch-node.ts";

const root = join(import.meta.dirname, "..");
const agentFolder = join(root, "agent");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_UNPACKED_BYTES = 2_000_000;
const SERVE_TIMEOUT_MS = 30_000;

let checks = 0;
const folder = await mkdtemp(join(tmpdir(), "codewise-agent-smoke-"));
try {
  await smoke();
  console.log(`agent package: ${checks} checks passed`);
} catch (error) {
  console.error(`agent package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function smoke(): Promise<void> {
  await expectSuccess(npm, ["pack", "--workspace", "codewise-agent", "--pack-destination", folder], root);
  const archive = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  check(archive !== undefined, "npm pack wrote no archive");
  await checkWithPublint();

  await writeFile(join(folder, "package.json"), '{"name":"smoke","private":true}\n');
  const install = ["install", "--offline", "--no-audit", "--no-fund", join(folder, archive ?? "")];
  await expectSuccess(npm, install, folder);
  const modules = (await readdir(join(folder, "node_modules"))).filter((name) => !name.startsWith("."));
  check(modules.join() === "codewise-agent", `the package brings dependencies: ${modules.join(", ")}`);

  const installed = join(folder, "node_modules", "codewise-agent");
  await checkContents(installed);
  for (const version of NODE_VERSIONS) {
    const node = await fetchNode(version);
    await runFirstCommands(node, join(installed, "dist", "index.js"));
    await serveOneRequest(node, join(installed, "dist", "index.js"));
  }
}

/** Small, and nothing in it runs at its installation. */
async function checkContents(installed: string): Promise<void> {
  const names = await readdir(installed, { recursive: true });
  const stats = await Promise.all(names.map((name) => stat(join(installed, name))));
  const bytes = stats.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
  check(bytes <= MAX_UNPACKED_BYTES, `it has ${bytes} bytes unpacked, more than ${MAX_UNPACKED_BYTES}`);
  const { scripts = {} } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  const atInstall = Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name));
  check(atInstall.length === 0, `it has install scripts: ${atInstall.join(", ")}`);
}

async function runFirstCommands(node: string, program: string): Promise<void> {
  const agent = (...flags: string[]): Promise<Outcome> => run(node, [program, ...flags], folder);
  const version = await agent("--version");
  check(version.exitCode === 0 && /^\d+\.\d+\.\d+\s*$/.test(version.stdout), `--version: ${show(version)}`);
  check(version.stderr === "", `--version warns: ${show(version)}`);
  const help = await agent("--help");
  check(help.exitCode === 0 && help.stdout.includes("CODEWISE_AGENT_SECRET"), `--help: ${show(help)}`);
  const malformed = await agent("--url", "http://127.0.0.1:1", "--secret", "s3cret", "--max-concurrency", "many");
  check(malformed.exitCode === 2 && isOneLine(malformed.stderr, "--max-concurrency"), `malformed: ${show(malformed)}`);
  check(!malformed.stderr.includes("s3cret"), "an error quotes the secret");
  const missing = await agent();
  check(missing.exitCode === 2 && isOneLine(missing.stderr, "--url"), `missing option: ${show(missing)}`);
  const doctor = await agent("doctor", "--json", "--url", "http://127.0.0.1:1", "--secret", "s3cret");
  check(doctor.exitCode === 1 && JSON.parse(doctor.stdout).ok === false, `doctor: ${show(doctor)}`);
}

/** Connects to a proxy, answers one request by a stand-in for the CLI, and leaves when told to. */
async function serveOneRequest(node: string, program: string): Promise<void> {
  const proxy = await startScriptedProxy();
  const claude = await createStandInClaude({ answer: { type: "echo" } });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    CODEWISE_URL: proxy.url,
    CODEWISE_AGENT_SECRET: TEST_SECRET,
    CODEWISE_CLI: "claude",
    CODEWISE_CLAUDE_PATH: claude.command,
  };
  const child = spawn(node, [program], { cwd: folder, env: { ...env, NODE_ENV: "production" }, stdio: "pipe" });
  const [stderr, ended] = [
    readAll(child.stderr),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ];
  const timer = setTimeout(() => child.kill("SIGKILL"), SERVE_TIMEOUT_MS);
  try {
    const over = ended.then(() => true);
    await Promise.race([over, proxy.until(() => proxy.received("hello").some(({ models }) => models.length > 0))]);
    proxy.request("r1");
    await Promise.race([over, proxy.until(() => proxy.last("r1")?.type === "complete")]);
    child.kill("SIGTERM");
    const exitCode = await ended;
    check(exitCode === 0 && proxy.text("r1") === "Hello", `serving: exit code ${String(exitCode)}, ${await stderr}`);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await proxy.close();
    await claude.remove();
  }
}

async function checkWithPublint(): Promise<void> {
  const { messages, pkg } = await publint({ pkgDir: agentFolder, strict: true, pack: "npm" });
  const problems = messages
    .filter((message) => message.type !== "suggestion")
    .map((message) => formatMessage(message, pkg));
  check(problems.length === 0, `publint: ${problems.join("; ")}`);
}

function check(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
  checks += 1;
}

function isOneLine(text: string, containing: string): boolean {
  return text.trimEnd().includes(containing) && !text.trimEnd().includes("\n");
}

function show({ exitCode, stdout, stderr }: Outcome): string {
  return `exit code ${exitCode}, ${JSON.stringify((stdout + stderr).slice(0, 500))}`;
}

async function expectSuccess(command: string, commandArguments: string[], cwd: string): Promise<void> {
  const outcome = await run(command, commandArguments, cwd);
  check(outcome.exitCode === 0, `${command} ${commandArguments[0]}: ${show(outcome)}`);
}

/** Runs a program with nothing of this project in its environment, and waits for its end. */
async function run(command: string, commandArguments: readonly string[], cwd: string): Promise<Outcome> {
  const own = /^(codewise_|npm_(?!config_))/i;
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (own.test(name)) delete env[name];
  const child = spawn(command, commandArguments, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
  const [stdout, stderr] = [readAll(child.stdout), readAll(child.stderr)];
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  return { exitCode, stdout: await stdout, stderr: await stderr };
}
