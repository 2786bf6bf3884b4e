/** What every client may expect of any CLI behind an agent: one suite, through the real `claude`, `codex` and `gemini`. */
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import type { CliName } from "../../src/lib/cli/model-names.ts";
import type { Fields } from "../../src/lib/openai/fields.ts";
import type { ScriptedServer } from "../../src/test/fake-scripted-server.ts";
import type { Conversation } from "../support/basic-model/conversation.ts";
import { DIALECTS, startBasicModel } from "../support/basic-model/start.ts";
import type { StartedProcess } from "../support/child-process.ts";
import { prepareCli, type PreparedCli } from "../support/prepared-cli.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";
import { startServingCli } from "../support/serving-cli.ts";
import { installPythonSdk, PYTHON } from "../support/python-sdk.ts";

const withoutPython = installPythonSdk();
if (withoutPython !== undefined && process.env["CI"]) throw new Error(withoutPython);

/** A black square of 8 by 8. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC";
const TEXT = 'Grüße, 日本語 and 👩‍👩‍👧 too;\n\n```ts\nconst a = "b\\n";\n```\n\ttabs, "quotes" and \\ slashes. ';

interface Way {
  readonly cli: CliName;
  readonly program: string | undefined;
  /** By its long name, and by its short one. */
  readonly models: readonly [string, string];
  readonly provider: string;
}

const WAYS: readonly Way[] = [
  {
    cli: "claude",
    program: inject("claudePrograms")[CLAUDE_VERSIONS[0]],
    models: ["claude-cli/sonnet", "sonnet"],
    provider: "claude-cli-remote",
  },
  {
    cli: "codex",
    program: inject("codexProgram") ?? undefined,
    models: ["codex-cli/gpt-5.5", "codex"],
    provider: "codex-cli",
  },
  {
    cli: "gemini",
    program: inject("geminiProgram") ?? undefined,
    models: ["gemini-cli/gemini-2.5-flash", "gemini"],
    provider: "gemini-cli",
  },
];

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

describe.each(WAYS)("through an agent with the real $cli", ({ cli, program, models, provider }) => {
  const run = program === undefined ? it.skip : it;
  const [model, shortModel] = models;
  const { read, usage } = DIALECTS[cli];
  let upstream: ScriptedServer;
  let proxy: StartedProxy;
  let prepared: PreparedCli;
  let agent: StartedProcess;
  let client: OpenAI;

  beforeAll(async () => {
    if (program === undefined) return;
    upstream = await startBasicModel();
    proxy = await startProxy({});
    client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 });
    prepared = await prepareCli(cli, program, upstream.origin);
    agent = await startServingCli({ proxy, cli, program, prepared, env: { CODEWISE_MAX_CONCURRENCY: "4" } });
  });
  afterAll(async () => {
    if (program === undefined) return;
    await agent.stop();
    await proxy.stop();
    await upstream.close();
    await prepared.remove();
  });

  const ask = (content: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
    client.chat.completions.create({ model, messages: [{ role: "user", content }], ...more });
  const stream = (content: string, signal?: AbortSignal) =>
    client.chat.completions.create(
      {
        model,
        messages: [{ role: "user", content }],
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal },
    );
  let before = 0;
  const conversations = (): readonly Conversation[] =>
    upstream.requests.slice(before).map(({ body }) => read(body as Fields));
  beforeEach(() => {
    before = program === undefined ? 0 : upstream.requests.length;
  });

  run("answers whole, with the model's exact text and the tokens it counted, and says who served it", async () => {
    const { data, response } = await ask(`say ${TEXT}`).withResponse();
    expect(data.choices[0]).toMatchObject({ finish_reason: "stop", message: { role: "assistant", content: TEXT } });
    expect(data.usage).toMatchObject(usage);
    expect(response.headers.get("x-codewise-provider")).toBe(provider);
    expect(upstream.requests.length - before).toBe(1);
  });

  run("streams the same, in several chunks, with the usage at its end", async () => {
    const chunks = await gather(await stream(`say ${TEXT}`));
    const texts = chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []);
    expect(texts.join("")).toBe(TEXT);
    expect(texts.filter((text) => text !== "").length).toBeGreaterThan(1);
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(["stop"]);
    expect(chunks.at(-1)?.usage).toMatchObject(usage);
  });

  run("hands the first words on while the model still thinks, and stops it when the client leaves", async () => {
    const leaving = new AbortController();
    const answer = await stream("stall The first words come at once.", leaving.signal);
    let text = "";
    await expect(async () => {
      for await (const chunk of answer) {
        text += chunk.choices[0]?.delta.content ?? "";
        if (text.includes("at once")) leaving.abort();
      }
      leaving.signal.throwIfAborted();
    }).rejects.toThrow();
    const startedAt = performance.now();
    expect(await upstream.requests.at(-1)?.closed).toBe("cut");
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  run("is listed and asked for by its long name and its short one", async () => {
    const listed = (await gather(client.models.list())).map(({ id }) => id);
    expect(listed).toContain(shortModel);
    expect(listed.some((id) => id.startsWith(`${cli}-cli/`))).toBe(true);
    expect((await ask("say short", { model: shortModel })).choices[0]?.message.content).toBe("short");
  });

  run("keeps turns as turns and the system's words apart from them", async () => {
    await ask("", {
      messages: [
        { role: "system", content: "SYSTEM-MARK" },
        { role: "developer", content: "DEVELOPER-MARK" },
        { role: "user", content: "say one" },
        { role: "assistant", content: "one" },
        { role: "user", content: "say two" },
        { role: "assistant", content: "two" },
        { role: "user", content: "say three" },
      ],
    });
    const [sent] = conversations();
    expect(sent?.system).toContain("SYSTEM-MARK");
    expect(sent?.system).toContain("DEVELOPER-MARK");
    expect(sent?.turns.map(({ role, text }) => [role, text.trim()])).toEqual([
      ["user", "say one"],
      ["assistant", "one"],
      ["user", "say two"],
      ["assistant", "two"],
      ["user", "say three"],
    ]);
  });

  run("shows the model an image", async () => {
    const image_url = { url: `data:image/png;base64,${PNG}` };
    await ask("", {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "say seen" },
            { type: "image_url", image_url },
          ],
        },
      ],
    });
    expect(conversations()[0]?.turns.at(-1)?.images).toBe(1);
  });

  run("never mixes what is asked at the same time", async () => {
    const texts = Array.from({ length: 4 }, (_, index) => `answer ${index} `.repeat(40));
    const answers = await Promise.all(texts.map((text) => ask(`say ${text}`)));
    expect(answers.map(({ choices }) => choices[0]?.message.content)).toEqual(texts);
    for (const { turns } of conversations()) expect(turns).toHaveLength(1);
  });

  run("tells the official client of a limit, and of an answer that broke off", async () => {
    await expect(ask("fail 429")).rejects.toThrow(OpenAI.RateLimitError);
    await expect(ask("fail 400")).rejects.toThrow(OpenAI.APIError);
    await expect(gather(await stream("drop The answer breaks off here, "))).rejects.toThrow();
    await expect(ask("drop The answer breaks off here, ")).rejects.toThrow(OpenAI.APIError);
    expect((await ask("say still here")).choices[0]?.message.content).toBe("still here");
  });

  (withoutPython === undefined ? run : it.skip)("serves the official Python SDK", async () => {
    const script = join(import.meta.dirname, "python", "basics.py");
    const { stdout } = await promisify(execFile)(PYTHON, [script, proxy.url, proxy.apiKey, model]);
    expect(JSON.parse(stdout)).toEqual({
      text: "said whole",
      finish_reason: "stop",
      prompt_tokens: usage.prompt_tokens,
      streamed: "said in a stream",
      streamed_completion_tokens: usage.completion_tokens,
      refused: "RateLimitError",
    });
  });

  run("serves the AI SDK, whole and streamed", async () => {
    const sdk = createOpenAICompatible({ name: "codewise", baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey });
    const whole = await generateText({ model: sdk(model), prompt: `say ${TEXT}`, maxRetries: 0 });
    expect(whole.text).toBe(TEXT);
    const streamed = streamText({ model: sdk(model), prompt: "say streamed to the end", maxRetries: 0 });
    expect((await gather(streamed.textStream)).join("")).toBe("streamed to the end");
  });

  // The last one: it ends the agent.
  run("leaves no process behind when the agent goes", async () => {
    const ownProcesses = (): string[] =>
      execFileSync("ps", ["-eo", "args=", "e"], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
        .split("\n")
        .filter((line) => line.includes(`HOME=${prepared.home}`));
    // The agent at least is seen while it runs.
    expect(ownProcesses().length).toBeGreaterThan(0);
    expect(await agent.stop()).toBe(0);
    expect(ownProcesses()).toEqual([]);
  });
});
