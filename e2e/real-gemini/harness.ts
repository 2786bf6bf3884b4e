import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject } from "vitest";
import { createGeminiExecutor, type GeminiExecutorOptions } from "../../src/lib/cli/gemini/executor.ts";
import { CliFailure, type CliExecution, type CliExecutor, type CliOutcome } from "../../src/lib/cli/types.ts";
import type { ChatRequest } from "../../src/lib/openai/chat.ts";
import type { ChatDelta } from "../../src/lib/openai/delta.ts";
import { geminiStream, startFakeGeminiServer } from "../../src/test/fake-gemini-server.ts";
import type { ReceivedRequest, ScriptedReply, ScriptedServer } from "../../src/test/fake-scripted-server.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A body of `streamGenerateContent` as the CLI sent it. */
export interface SentBody {
  readonly contents: readonly { readonly role: string; readonly parts: readonly Fields[] }[];
  readonly systemInstruction: { readonly parts: readonly Fields[] };
  readonly tools: readonly { readonly functionDeclarations: readonly Fields[] }[];
  readonly generationConfig: Fields;
  readonly [name: string]: unknown;
}

export interface Answer {
  readonly text: string;
  readonly thinking: string;
  readonly deltas: readonly ChatDelta[];
  readonly outcome: CliOutcome;
}

export interface RealGemini {
  readonly executor: CliExecutor;
  readonly upstream: ScriptedServer;
  /** A HOME of its own, so that no login of the machine is touched. */
  readonly home: string;
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
  /** What is left in the folder for private folders. */
  leftovers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface RealGeminiOptions extends Partial<GeminiExecutorOptions> {
  readonly apiKey?: string | undefined;
}

/** The path of the program; `undefined` where it could not be fetched. */
export function geminiProgram(): string | undefined {
  return inject("geminiProgram") ?? undefined;
}

export async function startRealGemini(options: RealGeminiOptions = {}): Promise<RealGemini> {
  const { apiKey = "fake-key-of-the-tests", ...more } = options;
  let current: ScriptedReply | ((request: ReceivedRequest) => ScriptedReply) = geminiStream();
  const upstream = await startFakeGeminiServer((request) =>
    typeof current === "function" ? current(request) : current,
  );
  const home = await mkdtemp(join(tmpdir(), "real-gemini-"));
  const workDirectory = await mkdtemp(join(tmpdir(), "real-gemini-work-"));
  const executor = createGeminiExecutor({
    command: geminiProgram() ?? "",
    workDirectory,
    passEnvironment: ["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"],
    environment: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      GEMINI_API_KEY: apiKey,
      GOOGLE_GEMINI_BASE_URL: upstream.origin,
    },
    ...more,
  });

  const ask: RealGemini["ask"] = async (request, changes = {}, onText) => {
    let text = "";
    let thinking = "";
    const deltas: ChatDelta[] = [];
    const whole: ChatRequest = { model: "gemini-2.5-flash", messages: [{ role: "user", content: "Hi" }], ...request };
    const outcome = await executor.execute(
      {
        requestId: "e2e",
        request: whole,
        model: whole.model,
        signal: new AbortController().signal,
        firstEventTimeoutMs: 30_000,
        idleTimeoutMs: 20_000,
        deadlineMs: 50_000,
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
    reply: (next) => void (current = next),
    ask,
    fail: (request, changes, onText) =>
      ask(request, changes, onText).then(
        () => expect.fail("the run succeeded"),
        (error: unknown) => (error instanceof CliFailure ? error : expect.fail(`failed with ${String(error)}`)),
      ),
    bodies: () => upstream.requests.map((request) => request.body as SentBody),
    async leftovers() {
      const folders = await readdir(workDirectory);
      const runs = await Promise.all(folders.map((folder) => readdir(join(workDirectory, folder))));
      return runs.flat();
    },
    async close() {
      await executor.killAll();
      await upstream.close();
      for (const folder of [home, workDirectory]) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
