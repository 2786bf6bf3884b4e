import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject } from "vitest";
import { createCodexExecutor, type CodexExecutorOptions } from "../../src/lib/cli/codex/executor.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome } from "../../src/lib/cli/types.ts";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import { respond, startFakeResponsesServer, type FakeResponsesServer } from "../../src/test/fake-responses-server.ts";
import type { ReceivedRequest, ScriptedReply } from "../../src/test/fake-scripted-server.ts";

type Item = Readonly<Record<string, unknown>>;

/** A body of `POST /v1/responses` as the CLI sent it. */
export interface SentBody {
  readonly model: string;
  readonly input: readonly Item[];
  readonly [name: string]: unknown;
}

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  readonly deltas: readonly ChatDelta[];
  readonly outcome: CliOutcome;
}

export interface RealCodex {
  readonly executor: CliExecutor;
  readonly upstream: FakeResponsesServer;
  /** A HOME of its own, so that no login of the machine is touched. */
  readonly home: string;
  /** `CODEX_HOME`, with a login of a fake key and a `config.toml` that leads to the upstream. */
  readonly codexHome: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What every request from now on gets. */
  reply(reply: ScriptedReply | ((request: ReceivedRequest) => ScriptedReply)): void;
  ask(request: Partial<ChatRequest>, more?: Partial<CliExecution>, onText?: (text: string) => void): Promise<Answer>;
  fail(
    request: Partial<ChatRequest>,
    more?: Partial<CliExecution>,
    onText?: (text: string) => void,
  ): Promise<CliFailure>;
  /** Bodies of the requests so far. */
  bodies(): readonly SentBody[];
  close(): Promise<void>;
}

export interface RealCodexOptions extends Partial<CodexExecutorOptions> {
  /** Further lines of `config.toml`: keys, then tables. */
  readonly config?: string;
  readonly isLoggedIn?: boolean;
  /** Of the program itself, beside HOME and PATH. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The path of the program; `undefined` where it could not be fetched. */
export function codexProgram(): string | undefined {
  return inject("codexProgram") ?? undefined;
}

export async function startRealCodex(options: RealCodexOptions = {}): Promise<RealCodex> {
  const { config = "", isLoggedIn = true, variables = {}, ...more } = options;
  const command = more.command ?? codexProgram() ?? "";
  let current: ScriptedReply | ((request: ReceivedRequest) => ScriptedReply) = respond({});
  const upstream = await startFakeResponsesServer((request) =>
    typeof current === "function" ? current(request) : current,
  );
  const home = await mkdtemp(join(tmpdir(), "real-codex-"));
  const codexHome = join(home, "codex");
  await mkdir(codexHome);
  const environment = { PATH: process.env["PATH"] ?? "", HOME: home, CODEX_HOME: codexHome, ...variables };
  const base = `openai_base_url = "${upstream.baseUrl}"\n`;
  await writeFile(join(codexHome, "config.toml"), config.replaceAll("BASE_URL", upstream.baseUrl) || base);
  if (isLoggedIn) await logIn(command, environment);
  const executor = createCodexExecutor({ command, environment, passEnvironment: [], ...more });

  const ask: RealCodex["ask"] = async (request, changes = {}, onText) => {
    let text = "";
    let thinking = "";
    const deltas: ChatDelta[] = [];
    const whole: ChatRequest = { model: "codex", messages: [{ role: "user", content: "Hi" }], ...request };
    const outcome = await executor.execute(
      {
        requestId: "e2e",
        request: whole,
        model: whole.model,
        signal: new AbortController().signal,
        firstEventTimeoutMs: 20_000,
        idleTimeoutMs: 10_000,
        deadlineMs: 40_000,
        ...changes,
      },
      {
        open() {},
        delta(delta) {
          deltas.push(delta);
          text += delta.content ?? "";
          thinking += delta.reasoning_content ?? "";
          onText?.(text);
          return true;
        },
        onDrain() {},
      },
    );
    return { text, thinking, deltas, outcome };
  };

  return {
    executor,
    upstream,
    home,
    codexHome,
    environment,
    reply: (next) => void (current = next),
    ask,
    fail: (request, changes, onText) =>
      ask(request, changes, onText).then(
        () => expect.fail("the run succeeded"),
        (error: unknown) => (error instanceof CliFailure ? error : expect.fail(`failed with ${String(error)}`)),
      ),
    bodies: () => upstream.requests.map((request) => request.body as SentBody),
    async close() {
      await executor.killAll();
      await upstream.close();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** As an owner does who has a key: `codex login --with-api-key`, which asks nobody. */
async function logIn(command: string, environment: Readonly<Record<string, string>>): Promise<void> {
  const run = execFile(command, ["login", "--with-api-key"], { env: environment as NodeJS.ProcessEnv });
  run.stdin?.end("sk-fake-key-of-the-tests\n");
  const [code] = await new Promise<[number | null]>((resolve) => run.once("close", (exit) => resolve([exit])));
  expect(code).toBe(0);
}

/** The conversation in a body, without the marks that the CLI adds to items and the list of tools. */
export function conversationOf(body: SentBody | undefined): readonly Item[] {
  return (body?.input ?? []).filter((item) => item["type"] !== "additional_tools").map(withoutMarks);
}

/** The tools in a body, in whichever of its two places. */
export function toolsOf(body: SentBody | undefined): readonly Item[] {
  const list = body?.input.find((item) => item["type"] === "additional_tools")?.["tools"] ?? body?.["tools"] ?? [];
  return (list as readonly Item[]).flatMap((tool) =>
    tool["type"] === "namespace" ? (tool["tools"] as readonly Item[]) : [tool],
  );
}

function withoutMarks(item: Item): Item {
  const marks = new Set(["id", "internal_chat_message_metadata_passthrough"]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => !marks.has(name)));
}
