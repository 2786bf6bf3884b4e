/**
 * A stand-in for the `gemini` CLI 0.61.0: a real process that speaks the Agent Client Protocol on stdin and stdout as far
 * as the executor uses it, and has the real one's habits: a session is loaded from a file in its home and told back, the
 * reply says `end_turn` for nearly everything, and how the answer ended stands in the telemetry file, which is written on
 * SIGTERM. Made runnable by `createStandInGemini` (create-stand-in.ts); its first argument is the configuration's path.
 */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLineSplitter } from "../../lib/cli/line-splitter.ts";
import { standInConfigSchema, type StandInRecord, type ToldPrompt } from "./config.ts";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly sessionId: string; readonly modelId: string; readonly prompt: readonly unknown[] };
}
interface SessionRecord {
  readonly type?: string;
  readonly content?: string | readonly { readonly text?: string }[];
}

const [, , configPath = "", ...argv] = process.argv;
const config = standInConfigSchema.parse(JSON.parse(readFileSync(configPath, "utf8")));
const version = config.version ?? "0.61.0";
const home = process.env["GEMINI_CLI_HOME"] ?? "";
const events: Record<string, unknown>[] = [];
let history: readonly SessionRecord[] = [];
let model = "auto";

function write(message: unknown): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));
}

function update(sessionId: string, sessionUpdate: string, text: string): Promise<void> {
  const params = { sessionId, update: { sessionUpdate, content: { type: "text", text } } };
  return write({ jsonrpc: "2.0", method: "session/update", params });
}

function hang(): Promise<never> {
  setInterval(() => {}, 60_000);
  return new Promise<never>(() => {});
}

async function loadSession({ id, params }: Request): Promise<void> {
  const chats = join(home, ".gemini", "tmp", "run", "chats");
  const [name = ""] = readdirSync(chats);
  const lines = readFileSync(join(chats, name), "utf8").split("\n");
  history = lines.filter((line) => line !== "").map((line): SessionRecord => JSON.parse(line));
  history = history.slice(1);
  await write({ jsonrpc: "2.0", id, result: {} });
  for (const { type, content } of history) {
    const text = typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");
    await update(params.sessionId, type === "user" ? "user_message_chunk" : "agent_message_chunk", text);
  }
}

function tellPrompt(prompt: readonly unknown[]): string {
  const told: ToldPrompt = {
    model,
    system: readFileSync(process.env["GEMINI_SYSTEM_MD"] ?? "", "utf8"),
    history,
    prompt,
    settings: JSON.parse(readFileSync(join(home, ".gemini", "settings.json"), "utf8")),
  };
  return JSON.stringify(told);
}

async function answer({ id, params }: Request): Promise<void> {
  if (config.asksClient !== undefined) {
    await write({ jsonrpc: "2.0", id: 0, method: config.asksClient, params: { sessionId: params.sessionId } });
    return hang();
  }
  if (config.floodBytes !== undefined) {
    const block = "x".repeat(64 * 1024);
    for (let written = 0; written < config.floodBytes; written += block.length) {
      await new Promise((resolve) => process.stdout.write(block, resolve));
    }
    return hang();
  }
  let count = 0;
  for (const piece of [...(config.pieces ?? [tellPrompt(params.prompt)]), undefined]) {
    if (count === config.hangAfterPieces) await hang();
    if (count === config.exitAfterPieces) process.exit(config.exitCode ?? 1);
    if (piece !== undefined) await update(params.sessionId, "agent_message_chunk", piece);
    count += 1;
  }
  const calls = config.calls ?? [];
  const end = config.finishReason === undefined ? "stop" : config.finishReason;
  if (end !== null) {
    const tokens = {
      input_token_count: 3,
      output_token_count: 2,
      cached_content_token_count: 0,
      thoughts_token_count: 0,
    };
    events.push({ "event.name": "gemini_cli.api_response", model, role: "main", finish_reasons: [end], ...tokens });
  }
  for (const name of calls) {
    events.push({ "event.name": "gemini_cli.tool_call", function_name: name, function_args: "{}" });
  }
  await write({ jsonrpc: "2.0", id, result: { stopReason: calls.length > 0 ? "max_turn_requests" : "end_turn" } });
}

async function take(request: Request): Promise<void> {
  switch (request.method) {
    case "initialize":
      return write({ jsonrpc: "2.0", id: request.id, result: { protocolVersion: 1 } });
    case "session/load":
      return loadSession(request);
    case "session/set_model":
      model = request.params.modelId;
      return write({ jsonrpc: "2.0", id: request.id, result: {} });
    case "session/prompt":
      return answer(request);
    default:
      return write({ jsonrpc: "2.0", id: request.id, error: { code: -32_601, message: "unknown" } });
  }
}

process.stdout.on("error", () => {});
if (argv[0] === "--version") {
  process.stdout.write(`${version}\n`);
} else {
  const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
  const cwd = process.cwd();
  const record: StandInRecord = { pid: process.pid, argv, cwd, cwdFiles: readdirSync(cwd), environment };
  if (config.recordTo !== undefined) appendFileSync(config.recordTo, `${JSON.stringify(record)}\n`);
  if (config.stderr !== undefined) process.stderr.write(config.stderr);
  process.on("SIGTERM", () => {
    const records = events.map((attributes) => `${JSON.stringify({ resource: {}, attributes }, null, 2)}\n`);
    writeFileSync(process.env["GEMINI_TELEMETRY_OUTFILE"] ?? "", records.join(""));
    if (config.ignoreSigterm !== true) process.exit(0);
  });
  const splitter = createLineSplitter();
  for await (const bytes of process.stdin) {
    for (const line of splitter.push(bytes)) await take(JSON.parse(line));
  }
  if (config.ignoreSigterm === true) await hang();
}
