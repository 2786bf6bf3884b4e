import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject } from "vitest";
import { createClaudeExecutor, type ClaudeExecutorOptions } from "../../src/lib/cli/claude/executor.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome } from "../../src/lib/cli/types.ts";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import { anthropicEvents, anthropicFrames, type CannedMessage } from "../../src/test/fake-anthropic-server.ts";
import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "../../src/test/fake-scripted-server.ts";

/** One block or message as the CLI sent it upstream. */
export interface SentBlock {
  readonly type: string;
  readonly text?: string;
  readonly [name: string]: unknown;
}
export interface SentBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly system: readonly SentBlock[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly SentBlock[] }[];
  readonly tools: readonly unknown[];
  readonly [name: string]: unknown;
}

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  readonly outcome: CliOutcome;
}

export interface RealClaude {
  readonly executor: CliExecutor;
  readonly upstream: ScriptedServer;
  /** A HOME of its own, so that no login of the machine is touched. */
  readonly home: string;
  /** The environment that leads the CLI to the upstream. */
  readonly environment: Readonly<Record<string, string>>;
  readonly program: string;
  /** What every request from now on gets. */
  reply(reply: ScriptedReply | ((request: ReceivedRequest) => ScriptedReply)): void;
  ask(
    request: Partial<ChatRequest>,
    more?: Partial<CliExecution>,
    onText?: (text: string) => void,
    onDelta?: (delta: ChatDelta) => void,
  ): Promise<Answer>;
  fail(request: Partial<ChatRequest>, more?: Partial<CliExecution>): Promise<CliFailure>;
  /** Bodies of `POST /v1/messages` so far. */
  bodies(): readonly SentBody[];
  close(): Promise<void>;
}

export const PASSED = ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"] as const;

export function streamed(message: CannedMessage = {}): ScriptedReply {
  return { steps: anthropicFrames(anthropicEvents({ model: "claude-opus-5-5", ...message })) };
}

export function apiError(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): ScriptedReply {
  return { status, json: { type: "error", error: { type, message } }, headers };
}

/** The path of a version's program; `undefined` where it could not be fetched. */
export function programOf(version: string): string | undefined {
  return inject("claudePrograms")[version];
}

export async function startRealClaude(
  program: string,
  apiKey: string | undefined = "sk-fake",
  more: Partial<ClaudeExecutorOptions> = {},
): Promise<RealClaude> {
  let current: ScriptedReply | ((request: ReceivedRequest) => ScriptedReply) = streamed();
  const upstream = await startScriptedServer({
    fallback: (request) => (typeof current === "function" ? current(request) : current),
    // 2.1.197 asks for the root first.
    aside: ({ method, path }) =>
      method === "POST" && path.startsWith("/v1/messages") ? undefined : { json: {}, status: 404 },
  });
  const home = await mkdtemp(join(tmpdir(), "real-claude-"));
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    ANTHROPIC_BASE_URL: upstream.origin,
    ...(apiKey === undefined ? {} : { ANTHROPIC_API_KEY: apiKey }),
  };
  const executor = createClaudeExecutor({ command: program, environment, passEnvironment: PASSED, ...more });

  const run = async (
    request: Partial<ChatRequest>,
    more: Partial<CliExecution> = {},
    onText?: (text: string) => void,
    onDelta?: (delta: ChatDelta) => void,
  ): Promise<Answer> => {
    let text = "";
    let thinking = "";
    const whole: ChatRequest = { model: "opus", messages: [{ role: "user", content: "hi" }], ...request };
    const outcome = await executor.execute(
      {
        requestId: "e2e",
        request: whole,
        model: whole.model,
        signal: new AbortController().signal,
        firstEventTimeoutMs: 40_000,
        idleTimeoutMs: 20_000,
        deadlineMs: 55_000,
        ...more,
      },
      {
        open() {},
        delta(delta) {
          text += delta.content ?? "";
          thinking += delta.reasoning_content ?? "";
          onText?.(text);
          onDelta?.(delta);
          return true;
        },
        onDrain() {},
      },
    );
    return { text, thinking, outcome };
  };

  return {
    executor,
    upstream,
    home,
    environment,
    program,
    reply: (next) => void (current = next),
    ask: run,
    fail: (request, more) =>
      run(request, more).then(
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

/** The conversation in a body without what the CLI itself adds: its reminders, cache marks and system turns. */
export function conversationOf(body: SentBody | undefined): readonly { role: string; content: readonly SentBlock[] }[] {
  return (body?.messages ?? [])
    .filter((message) => message.role !== "system")
    .map(({ role, content }) => ({
      role,
      content: (typeof content === "string" ? [{ type: "text", text: content }] : content)
        .filter((block) => !block.text?.startsWith("<system-reminder>"))
        .map(withoutCacheMark),
    }));
}

function withoutCacheMark(block: SentBlock): SentBlock {
  const entries = Object.entries(block).filter(([name]) => name !== "cache_control");
  return Object.fromEntries(entries) as SentBlock;
}
