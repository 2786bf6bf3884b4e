/**
 * Packs `codewise-agent`, checks the package with publint, installs it into an empty folder without a registry, and runs
 * what a newcomer runs first. Exits with 1 at the first thing that is wrong.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root = join(import.meta.dirname, "..");
const agentFolder = join(root, "agent");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

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

  const bin = join(folder, "node_modules", ".bin", "codewise-agent");
  const agent = (...flags: string[]): Promise<Outcome> => run(bin, flags, folder);
  const version = await agent("--version");
  check(version.exitCode === 0 && /^\d+\.\d+\.\d+\s*$/.test(version.stdout), `--version: ${show(version)}`);
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
