/**
 * A stand-in for the `claude` CLI: a real process that speaks the same lines on stdin and stdout, as far as the executor
 * uses them, and answers from a recording, from a seed or with the prompt itself. It has the real one's faults on demand:
 * see config.ts. Made runnable by `createStandInClaude` (create-stand-in.ts); its first argument is the configuration's
 * path, all others are the real CLI's.
 *
 * Like the real one: nothing is printed before the first input; a `control_request` is answered; each user line with
 * `shouldQuery: false` is taken with `init` and an empty `result`; any other is answered; assistant lines are taken
 * silently; closed input lets it finish what it does and exit, 1 where the result is an error; a reader that is gone does
 * not stop it; `--version` and `auth status --json` are known.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, closeSync, readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { createLineSplitter } from "../../lib/cli/line-splitter.ts";
import { answerLines, initLine, turnTakenLine, type AnswerContext } from "./answer-lines.ts";
import { standInConfigSchema, type StandInConfig, type StandInRecord } from "./config.ts";
import { generateDeltas } from "./generate-answer.ts";

interface InputLine {
  readonly type?: string;
  readonly request_id?: string;
  readonly shouldQuery?: boolean;
  readonly message?: { readonly content?: string | readonly { readonly type: string; readonly text?: string }[] };
}

const [, , configPath = "", ...argv] = process.argv;
const config = standInConfigSchema.parse(JSON.parse(readFileSync(configPath, "utf8")));
const version = config.version ?? "2.1.329";

function record(entry: StandInRecord): void {
  if (config.recordTo !== undefined) appendFileSync(config.recordTo, `${JSON.stringify(entry)}\n`);
}

function write(bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

function writeLine(line: unknown): Promise<void> {
  return write(`${JSON.stringify(line)}\n`);
}

function hang(): Promise<never> {
  setInterval(() => {}, 60_000);
  return new Promise<never>(() => {});
}

function readText(line: InputLine): string {
  const content = line.message?.content ?? "";
  if (typeof content === "string") return content;
  return content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("");
}

function overriddenBy(prompt: string): StandInConfig {
  if (config.promptOverrides !== true || !prompt.trimStart().startsWith('{"standIn"')) return config;
  return standInConfigSchema.parse({ ...config, ...JSON.parse(prompt).standIn });
}

function contextFor(prompt: string): AnswerContext {
  const modelAt = argv.indexOf("--model");
  return {
    model: modelAt === -1 ? "opus" : (argv[modelAt + 1] ?? "opus"),
    sessionId,
    tools: config.initTools ?? [],
    version,
    cwd: process.cwd(),
    promptCharacters: prompt.length,
  };
}

/** The answer's lines as bytes, each with the line feed it has; a recording may end within a line. */
function encodeAnswer(settings: StandInConfig, prompt: string): readonly Buffer[] {
  const { answer } = settings;
  if (answer.type === "replay") return splitKeepingEnds(readFileSync(answer.file));
  const text =
    answer.type === "generate" ? generateDeltas(answer.seed, answer.characters) : (prompt.match(/.{1,16}/gsu) ?? []);
  return answerLines(contextFor(prompt), text).map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
}

function splitKeepingEnds(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    const next = end === -1 ? bytes.length : end + 1;
    lines.push(bytes.subarray(start, next));
    start = next;
  }
  return lines;
}

async function flood(bytes: number): Promise<void> {
  const block = "x".repeat(64 * 1024);
  for (let written = 0; written < bytes; written += block.length) await write(block);
}

async function writeInPieces(bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    await write(bytes.subarray(start, start + pieceBytes));
    await nextTurn();
  }
}

async function answerPrompt(prompt: string): Promise<void> {
  const settings = overriddenBy(prompt);
  if (settings.answer.type === "flood") return flood(settings.answer.bytes);
  let count = 0;
  for (const line of encodeAnswer(settings, prompt)) {
    if (settings.hangAfterLines !== undefined && count >= settings.hangAfterLines) await hang();
    if (count === settings.closeOutputAfterLines) {
      closeSync(1);
      await hang();
    }
    if (settings.exitAfterLines !== undefined && count >= settings.exitAfterLines) process.exit(settings.exitCode ?? 1);
    if (settings.delayMs !== undefined) await wait(settings.delayMs);
    await (settings.pieceBytes === undefined ? write(line) : writeInPieces(line, settings.pieceBytes));
    if (line.includes('"type":"result"')) process.exitCode = line.includes('"is_error":true') ? 1 : 0;
    count += 1;
  }
  if (settings.exitAtEnd === true) process.exit(settings.exitCode ?? 1);
  if (settings.exitCode !== undefined) process.exitCode = settings.exitCode;
  if (settings.lingerAfterResult === true) await hang();
}

async function takeLine(text: string): Promise<void> {
  record({ type: "stdin", line: text });
  const line: InputLine = JSON.parse(text);
  if (line.type === "control_request") {
    const response = { subtype: "success", request_id: line.request_id, response: { commands: [], pid: process.pid } };
    await writeLine({ type: "control_response", response });
  } else if (line.type === "user" && line.shouldQuery === false) {
    await writeLine(initLine(contextFor("")));
    await writeLine(turnTakenLine(contextFor("")));
  } else if (line.type === "user") {
    await answerPrompt(readText(line));
  }
}

function startGrandchild(): void {
  const output = config.grandchild === "holds-output" ? "inherit" : "ignore";
  const grandchild = spawn("sleep", ["600"], { stdio: ["ignore", output, "ignore"] });
  grandchild.unref();
  if (grandchild.pid !== undefined) record({ type: "grandchild", pid: grandchild.pid });
}

const sessionId = randomUUID();
if (argv[0] === "--version") {
  await write(`${version} (Claude Code)\n`);
} else if (argv[0] === "auth") {
  const loggedIn = config.loggedIn ?? true;
  await write(`${JSON.stringify({ loggedIn, authMethod: loggedIn ? "claude.ai" : "none" }, null, 2)}\n`);
  process.exitCode = loggedIn ? 0 : 1;
} else {
  process.stdout.on("error", () => {});
  if (config.ignoreSigterm === true) process.on("SIGTERM", () => {});
  const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
  const cwdFiles = readdirSync(process.cwd());
  record({ type: "start", pid: process.pid, argv, cwd: process.cwd(), cwdFiles, environment });
  if (config.stderr !== undefined) process.stderr.write(config.stderr);
  if (config.grandchild !== undefined) startGrandchild();
  const splitter = createLineSplitter();
  for await (const bytes of process.stdin) {
    for (const line of splitter.push(bytes)) await takeLine(line);
  }
}
