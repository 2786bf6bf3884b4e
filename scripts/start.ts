/**
 * `npm start`: builds the server if its sources changed, runs it, and starts a local agent beside it where one of the CLIs
 * is on PATH or `--with-agent` is given (`--no-agent` never).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { CLI_NAMES } from "../src/lib/cli/model-names.ts";
import { loadEnvFile } from "../src/lib/env.ts";
import { sourceFingerprint } from "./source-fingerprint.ts";

const root = join(import.meta.dirname, "..");
const serverPath = join(root, ".next", "standalone", "server.js");
const agentPath = join(root, "agent", "dist", "index.js");

const USAGE = `npm start -- [--with-agent | --no-agent] [--build]

  --with-agent  start a local agent although none of the CLIs is on the path
  --no-agent    start none
  --build       build although nothing has changed

Everything else is set by environment variables or .env: see .env.example.
`;

const yes = { type: "boolean" } as const;
const values = readOptions();

function readOptions(): { readonly "with-agent"?: boolean; readonly "no-agent"?: boolean; readonly build?: boolean } {
  try {
    const read = parseArgs({ options: { "with-agent": yes, "no-agent": yes, build: yes, help: yes } }).values;
    if (read.help !== true) return read;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message.split("\n", 1)[0] ?? ""}\n\n${USAGE}`);
    return process.exit(2);
  }
  process.stdout.write(USAGE);
  return process.exit(0);
}

function isBuilt(): boolean {
  const stamp = join(root, ".next", "standalone", "build.json");
  if (!existsSync(serverPath) || !existsSync(stamp)) return false;
  const { fingerprint } = JSON.parse(readFileSync(stamp, "utf8")) as { fingerprint?: string };
  return fingerprint === sourceFingerprint(root);
}

async function runScript(name: string): Promise<void> {
  await execa({ cwd: root, stdio: ["ignore", "ignore", "inherit"] })(process.execPath, [
    join(import.meta.dirname, name),
  ]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOnPath(program: string): boolean {
  if (isAbsolute(program)) return isExecutable(program);
  return (process.env["PATH"] ?? "").split(delimiter).some((directory) => isExecutable(join(directory, program)));
}

function startAgent(url: string, secret: string): ChildProcess {
  const agent = spawn(process.execPath, [agentPath], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      CODEWISE_URL: url,
      CODEWISE_AGENT_SECRET: secret,
      CODEWISE_LOG_LEVEL: "warn",
      NO_COLOR: "1",
    },
  });
  process.once("exit", () => agent.kill("SIGTERM"));
  agent.once("exit", (code) => {
    if (code) process.stderr.write(`The local agent ended with exit code ${code}; the proxy goes on without it.\n`);
  });
  return agent;
}

loadEnvFile();
if (process.env.NODE_ENV === undefined) Object.assign(process.env, { NODE_ENV: "production" });
if (values.build === true || !isBuilt()) {
  process.stdout.write("Building Codewise (once, and again when its sources change)…\n");
  await runScript("build.ts");
}

const found = CLI_NAMES.filter((cli) => isOnPath(process.env[`CODEWISE_${cli.toUpperCase()}_PATH`] || cli));
const withAgent = values["no-agent"] !== true && (values["with-agent"] === true || found.length > 0);
if (withAgent) {
  await runScript("build-agent.ts");
  process.env["AGENT_SECRET"] ||= randomBytes(24).toString("base64url");
}
// The server reads its own options from the command line; these were ours.
process.argv.splice(2);
// The working folder stays the caller's, so that `.codewise/` lands where `npm start` was called.
const { url } = (await import(serverPath)) as { url: Promise<string> };
const address = await url;
if (withAgent) {
  process.stdout.write(
    `Starting a local agent for ${found.join(", ") || "the CLIs"} of this machine (npm start -- --no-agent leaves it out).\n\n`,
  );
  startAgent(address, process.env["AGENT_SECRET"] ?? "");
}
