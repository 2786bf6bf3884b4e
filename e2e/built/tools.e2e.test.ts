/** What a client can do with tools, schemas, images and roles: one suite, through the API and through an agent. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, Output, tool } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { z } from "zod";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import type { ScriptedServer } from "../../src/test/fake-scripted-server.ts";
import { startAgent } from "../support/agent.ts";
import type { StartedProcess } from "../support/child-process.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";
import { installPythonSdk, PYTHON } from "../support/python-sdk.ts";
import { sentBodies, sentTools, sentTurns, startToolModel } from "../support/tool-model.ts";

const programs = inject("claudePrograms");
const withoutPython = installPythonSdk();
if (withoutPython !== undefined && process.env["CI"]) throw new Error(withoutPython);

/** A black square of 8 by 8. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC";
const NUMBERS = {
  type: "object",
  properties: { a: { type: "integer" }, b: { type: "integer" } },
  required: ["a", "b"],
  additionalProperties: false,
};
const add = { type: "function", function: { name: "add", description: "Adds", parameters: NUMBERS } } as const;
const order = (...rounds: readonly (readonly { readonly name: string; readonly input: object }[])[]): string =>
  rounds.map((calls) => `call ${JSON.stringify(calls)}`).join(" then ");
const sum = (a: number, b: number) => ({ name: "add", input: { a, b } });

const WAYS: readonly (readonly [way: string, program: string | undefined])[] = [
  ["claude-api", ""],
  ...CLAUDE_VERSIONS.map((version) => [`an agent with claude ${version}`, programs[version]] as const),
];

describe.each(WAYS)("through %s", (way, program) => {
  const run = program === undefined ? it.skip : it;
  const python = withoutPython === undefined ? run : it.skip;
  const home = mkdtempSync(join(tmpdir(), "codewise-home-"));
  let model: ScriptedServer;
  let proxy: StartedProxy;
  let agent: StartedProcess | undefined;
  let client: OpenAI;

  beforeAll(async () => {
    model = await startToolModel();
    proxy = await startProxy(
      way === "claude-api" ? { ANTHROPIC_API_KEY: "sk-fake", ANTHROPIC_BASE_URL: model.origin } : {},
    );
    client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 });
    if (way === "claude-api" || program === undefined) return;
    agent = await startAgent({
      url: proxy.url,
      id: "laptop",
      claudePath: program,
      passEnv: { ANTHROPIC_API_KEY: "sk-fake", ANTHROPIC_BASE_URL: model.origin },
      env: { HOME: home },
    });
    await vi.waitFor(
      async () => {
        const status: unknown = await (await proxy.asAdmin("/api/agent/status")).json();
        expect(status).toMatchObject({ agents: [{ state: "ready" }] });
      },
      { timeout: 30_000, interval: 100 },
    );
  });
  afterAll(async () => {
    await agent?.stop();
    await proxy.stop();
    await model.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  const lastBody = () => sentBodies(model).at(-1);

  run("streams parallel calls with their ids, names and arguments, and says that tools are called", async () => {
    const stream = client.chat.completions.stream({
      model: "sonnet",
      messages: [{ role: "user", content: order([sum(1, 2), sum(3, 4)]) }],
      tools: [add],
      stream_options: { include_usage: true },
    });
    const completion = await stream.finalChatCompletion();
    const [choice] = completion.choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message.tool_calls).toMatchObject([
      { type: "function", function: { name: "add", arguments: '{"a":1,"b":2}' } },
      { type: "function", function: { name: "add", arguments: '{"a":3,"b":4}' } },
    ]);
    expect(new Set(choice?.message.tool_calls?.map(({ id }) => id)).size).toBe(2);
    expect(completion.usage).toMatchObject({ prompt_tokens: 2125, completion_tokens: 9 });
    expect(sentTools(lastBody())).toEqual([{ name: "add", description: "Adds", input_schema: NUMBERS }]);
  });

  run("gives whole completions with calls too", async () => {
    const completion = await client.chat.completions.create({
      model: "sonnet",
      messages: [{ role: "user", content: order([sum(1, 2)]) }],
      tools: [add],
    });
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "add", arguments: '{"a":1,"b":2}' } }] },
    });
  });

  run("carries openai-node's tool runner through several rounds, an error as a result among them", async () => {
    const runner = client.chat.completions.runTools({
      model: "sonnet",
      stream: true,
      messages: [
        { role: "system", content: "Be exact." },
        { role: "user", content: order([sum(1, 2)], [sum(3, 0), sum(5, 6)], [sum(7, 8)]) },
      ],
      tools: [
        {
          type: "function",
          function: {
            ...add.function,
            parse: (text: string) => JSON.parse(text) as { a: number; b: number },
            function: ({ a, b }: { a: number; b: number }) => {
              if (b === 0) return "Error: b must not be 0";
              return String(a + b);
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("done: 3 | Error: b must not be 0 | 11 | 15");
    const turns = sentTurns(lastBody());
    expect(turns.map(({ role }) => role)).toEqual(
      ["user", ...Array.from({ length: 3 }, () => ["assistant", "user"])].flat(),
    );
    expect(turns[3]?.content).toMatchObject([
      { type: "tool_use", name: "add", input: { a: 3, b: 0 } },
      { type: "tool_use", name: "add", input: { a: 5, b: 6 } },
    ]);
    expect(turns[4]?.content).toMatchObject([{ type: "tool_result" }, { type: "tool_result" }]);
  });

  python("carries a loop of the Python SDK's streams", async () => {
    const script = join(import.meta.dirname, "python", "tools.py");
    const { stdout } = await promisify(execFile)(PYTHON, [script, proxy.url, proxy.apiKey, "sonnet"]);
    expect(JSON.parse(stdout)).toEqual({
      rounds: [["add", "add"], ["add"]],
      text: "done: 3 | 7 | 11",
      finish_reason: "stop",
    });
  });

  const sdkModel = () =>
    createOpenAICompatible({
      name: "codewise",
      baseURL: `${proxy.url}/v1`,
      apiKey: proxy.apiKey,
      supportsStructuredOutputs: true,
    })("sonnet");

  run("carries the AI SDK's steps", async () => {
    const { text, steps } = await generateText({
      model: sdkModel(),
      prompt: order([sum(1, 2)], [sum(3, 4)]),
      tools: {
        add: tool({
          description: "Adds",
          inputSchema: z.object({ a: z.int(), b: z.int() }),
          execute: ({ a, b }) => String(a + b),
        }),
      },
      stopWhen: isStepCount(5),
      maxRetries: 0,
    });
    expect(text).toBe("done: 3 | 7");
    expect(steps).toHaveLength(3);
  });

  run.each([
    ["auto", undefined],
    ["none", { type: "none" }],
    ["required", { type: "any" }],
    [
      { type: "function", function: { name: "add" } },
      { type: "tool", name: expect.stringMatching(/add$/) },
    ],
  ] as const)("carries the tool choice %j", async (choice, expected) => {
    const messages = [{ role: "user" as const, content: "nothing to call" }];
    await client.chat.completions.create({ model: "sonnet", messages, tools: [add], tool_choice: choice });
    expect(lastBody()?.["tool_choice"]).toEqual(expected);
  });

  run("keeps a name with characters that the model's API does not take", async () => {
    const dotted = { type: "function", function: { name: "math.add", parameters: NUMBERS } } as const;
    const ask = client.chat.completions.create({
      model: "sonnet",
      messages: [
        { role: "user", content: order([{ name: way === "claude-api" ? "math.add" : "math_add", input: {} }]) },
      ],
      tools: [dotted],
    });
    const completion = await ask;
    expect(completion.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: "math.add" } }]);
  });

  /** A conversation with two rules, earlier turns and an image, as all three clients send it. */
  const expectedTurns = [
    { role: "user", content: [{ type: "text", text: "first" }] },
    { role: "assistant", content: [{ type: "text", text: "second" }] },
    { role: "user", content: [{ text: "third" }, { type: "image", source: { type: "base64" } }] },
  ];
  const image = `data:image/png;base64,${PNG}`;
  const expectedFormat = { format: { type: "json_schema", schema: NUMBERS } };
  const answerSum = 'say {"a":1,"b":2}';

  run("openai-node: a JSON schema for the answer, parsed", async () => {
    const completion = await client.chat.completions.parse({
      model: "sonnet",
      messages: [{ role: "user", content: answerSum }],
      response_format: { type: "json_schema", json_schema: { name: "sum", strict: true, schema: NUMBERS } },
    });
    expect(lastBody()?.["output_config"]).toMatchObject(expectedFormat);
    expect(completion.choices[0]?.message.content).toBe('{"a":1,"b":2}');
  });

  run("openai-node: an image, roles as turns, and every system and developer message", async () => {
    await client.chat.completions.create({
      model: "sonnet",
      messages: [
        { role: "system", content: "RULE one" },
        { role: "developer", content: "RULE two" },
        { role: "user", content: "first" },
        { role: "assistant", content: "second" },
        {
          role: "user",
          content: [
            { type: "text", text: "third" },
            { type: "image_url", image_url: { url: image } },
          ],
        },
      ],
    });
    expect(sentTurns(lastBody())).toMatchObject(expectedTurns);
    expect(JSON.stringify(lastBody()?.["system"])).toMatch(/RULE one.*RULE two/s);
  });

  run("AI SDK: an object by a schema", async () => {
    const { output } = await generateText({
      model: sdkModel(),
      prompt: answerSum,
      output: Output.object({ schema: z.object({ a: z.int(), b: z.int() }) }),
      maxRetries: 0,
    });
    expect(output).toEqual({ a: 1, b: 2 });
    expect(lastBody()?.["output_config"]).toMatchObject({ format: { type: "json_schema" } });
  });

  run("AI SDK: an image, roles as turns, and the system message", async () => {
    await generateText({
      model: sdkModel(),
      system: "RULE one",
      messages: [
        { role: "user", content: "first" },
        { role: "assistant", content: "second" },
        {
          role: "user",
          content: [
            { type: "text", text: "third" },
            { type: "file", data: PNG, mediaType: "image/png" },
          ],
        },
      ],
      maxRetries: 0,
    });
    expect(sentTurns(lastBody())).toMatchObject(expectedTurns);
    expect(JSON.stringify(lastBody()?.["system"])).toContain("RULE one");
  });

  python(
    "Python: a schema, parsed, then an image, roles as turns, and every system and developer message",
    async () => {
      const script = join(import.meta.dirname, "python", "parity.py");
      const { stdout } = await promisify(execFile)(PYTHON, [
        script,
        proxy.url,
        proxy.apiKey,
        "sonnet",
        image,
        answerSum,
      ]);
      expect(JSON.parse(stdout)).toEqual({ parsed: { a: 1, b: 2 }, text: "done: " });
      const [schemaBody, turnsBody] = sentBodies(model).slice(-2);
      expect(schemaBody?.["output_config"]).toMatchObject({ format: { type: "json_schema" } });
      expect(sentTurns(turnsBody)).toMatchObject(expectedTurns);
      expect(JSON.stringify(turnsBody?.["system"])).toMatch(/RULE one.*RULE two/s);
    },
  );
});
