/**
 * A stand-in for the `codex` CLI: a real process that speaks the app server's protocol as far as the executor uses it, and
 * has its faults on demand: see config.ts. Made runnable by `createStandInCodex` (create-stand-in.ts); its first argument
 * is the configuration's path, all others are the real CLI's. A last user text that is a JSON object `{"turn": {…}}`
 * overrides the configuration's turn: how one process is made to answer its threads differently.
 *
 * Like the real one (0.169.0): a thread's items are told again before its turn; deltas, raw items and the end have its
 * form and order; an interrupted turn completes with `interrupted`; a thread that is unknown is refused; `--version` and
 * `debug models --bundled` are known.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { createLineSplitter } from "../../lib/cli/line-splitter.ts";
import { standInCodexSchema, turnSchema, type StandInCodexRecord, type StandInTurn } from "./config.ts";

const [configPath = "", ...argv] = process.argv.slice(2);
const config = standInCodexSchema.parse(JSON.parse(readFileSync(configPath, "utf8")));

interface Thread {
  readonly items: Item[];
  turnId: string | undefined;
  isInterrupted: boolean;
}
interface Item {
  readonly type: string;
  readonly role?: string;
  readonly content?: readonly { readonly text?: string }[];
}
interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const threads = new Map<string, Thread>();
const USAGE = {
  totalTokens: 12,
  inputTokens: 8,
  cachedInputTokens: 2,
  cacheWriteInputTokens: 0,
  outputTokens: 4,
  reasoningOutputTokens: 1,
};

function record(entry: StandInCodexRecord): void {
  if (config.recordTo !== undefined) appendFileSync(config.recordTo, `${JSON.stringify(entry)}\n`);
}

function write(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function readPrompt(items: readonly Item[]): string {
  const last = items.findLast((item) => item.role === "user");
  return (last?.content ?? []).map((part) => part.text ?? "").join("");
}

function readTurn(prompt: string): StandInTurn & { readonly text: string } {
  const given = prompt.startsWith('{"turn":') ? turnSchema.parse(JSON.parse(prompt).turn) : (config.turn ?? {});
  return { ...given, text: given.text ?? prompt };
}

async function answerTurn(threadId: string, thread: Thread, turnId: string): Promise<void> {
  const place = { threadId, turnId };
  const notify = (method: string, params: object): void => write({ method, params: { ...place, ...params } });
  const complete = (status: string, error: unknown = null): void =>
    notify("turn/completed", { turn: { id: turnId, items: [], status, error } });
  const turn = readTurn(readPrompt(thread.items));
  const pieces = turn.text.match(/[^]{1,16}/gu) ?? [];
  const deltas = Array.from({ length: turn.repeat ?? 1 }, () => pieces).flat();
  notify("turn/started", { turn: { id: turnId, items: [], status: "inProgress", error: null } });
  notify("item/started", { item: { type: "agentMessage", id: "msg", text: "" } });
  let count = 0;
  for (const delta of deltas) {
    if (count === turn.exitAfterDeltas) process.exit(7);
    if (count === turn.hangAfterDeltas) break;
    if (turn.delayMs !== undefined) await wait(turn.delayMs);
    if (thread.isInterrupted && turn.ignoreInterrupt !== true) return complete("interrupted");
    notify("item/agentMessage/delta", { itemId: "msg", delta });
    count += 1;
  }
  if (turn.lines !== undefined) {
    for (const line of turn.lines) {
      process.stdout.write(`${line.replaceAll("THREAD", threadId).replaceAll("TURN", turnId)}\n`);
    }
  }
  const isStuck = turn.hangAfterDeltas !== undefined || turn.lines !== undefined;
  if (isStuck) {
    while (!thread.isInterrupted || turn.ignoreInterrupt === true) {
      await wait(20);
      if (thread.isInterrupted && turn.keepTalking !== undefined) {
        notify("item/agentMessage/delta", { itemId: "msg", delta: turn.keepTalking });
      }
    }
    return complete("interrupted");
  }
  if (turn.error !== undefined) {
    notify("error", { error: turn.error, willRetry: false });
    return complete("failed", turn.error);
  }
  const text = deltas.join("");
  notify("item/completed", { item: { type: "agentMessage", id: "msg", text } });
  notify("rawResponseItem/completed", { item: { type: "message", role: "assistant", content: [] } });
  notify("rawResponse/completed", { responseId: "r", usage: USAGE });
  notify("thread/tokenUsage/updated", { tokenUsage: { total: USAGE, last: USAGE } });
  return complete("completed");
}

function answer({ id, method, params }: Call): void {
  const reply = (result: unknown): void => write({ id, result });
  const threadId = String(params["threadId"]);
  const thread = threads.get(threadId);
  switch (method) {
    case "initialize":
      return reply({ userAgent: "stand-in" });
    case "config/read":
      return reply({ config: { model: null, mcp_servers: { "owner's": { command: "x" } } } });
    case "getAuthStatus":
      return reply({
        authMethod: config.loggedIn === false ? null : "apikey",
        authToken: null,
        requiresOpenaiAuth: true,
      });
    case "model/list":
      return reply({ data: [{ id: "gpt-stand-in" }] });
    case "thread/start": {
      const opened = randomUUID();
      threads.set(opened, { items: [], turnId: undefined, isInterrupted: false });
      const model = params["model"] ?? "gpt-stand-in";
      return reply({ thread: { id: opened }, model, instructionSources: config.instructionSources ?? [] });
    }
    case "thread/unsubscribe":
      threads.delete(threadId);
      return reply({ status: "unsubscribed" });
  }
  if (thread === undefined) return write({ id, error: { code: -32_600, message: `thread not found: ${threadId}` } });
  switch (method) {
    case "thread/inject_items":
      thread.items.push(...(params["items"] as Item[]));
      for (const item of thread.items) {
        write({ method: "rawResponseItem/completed", params: { threadId, turnId: "none", item } });
      }
      return reply({});
    case "turn/start": {
      const turnId = randomUUID();
      thread.turnId = turnId;
      reply({ turn: { id: turnId, items: [], status: "inProgress", error: null } });
      void answerTurn(threadId, thread, turnId);
      return undefined;
    }
    case "turn/interrupt":
      thread.isInterrupted = params["turnId"] === thread.turnId;
      return reply({});
  }
  return write({ id, error: { code: -32_601, message: `unknown method ${method}` } });
}

async function serve(): Promise<void> {
  const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
  const cwdFiles = readdirSync(process.cwd());
  record({ type: "start", pid: process.pid, argv, cwd: process.cwd(), cwdFiles, environment });
  if (config.stderr !== undefined) process.stderr.write(config.stderr);
  if (config.exitAtStart === true) process.exit(3);
  if (config.grandchild === true) {
    const { pid } = spawn("sleep", ["600"], { stdio: "ignore" });
    if (pid !== undefined) record({ type: "grandchild", pid });
  }
  const splitter = createLineSplitter();
  for await (const bytes of process.stdin) {
    for (const line of splitter.push(bytes)) {
      const call = JSON.parse(line) as Partial<Call>;
      if (call.method === undefined) continue;
      record({ type: "call", method: call.method, params: call.params });
      if (call.id !== undefined) answer({ params: {}, ...call } as Call);
    }
  }
}

process.stdout.on("error", () => {});
if (argv[0] === "--version") process.stdout.write(`codex-cli ${config.version ?? "0.169.0"}\n`);
else if (argv[0] === "debug") process.stdout.write(`${JSON.stringify({ models: [{ slug: "gpt-stand-in" }] })}\n`);
else await serve();
