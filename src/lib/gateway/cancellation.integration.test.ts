import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createStandInClaude, type StandInClaude } from "../../test/claude-stand-in/create-stand-in.ts";
import { FakeAgent } from "../../test/fake-agent.ts";
import { FakeRun } from "../../test/fake-agent-run.ts";
import {
  anthropicEvents,
  anthropicFrames,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../test/fake-anthropic-server.ts";
import { openAIPayloads, startFakeOpenAIServer, type FakeOpenAIServer } from "../../test/fake-openai-server.ts";
import type { ScriptedReply, ScriptedServer } from "../../test/fake-scripted-server.ts";
import { isAlive } from "../../test/is-alive.ts";
import { percentile } from "../../test/percentile.ts";
import { startProxyHarness, TEST_AGENT_SECRET, type ProxyHarness } from "../../test/proxy-harness.ts";
import { chatPost, RawClient } from "../../test/raw-client.ts";
import { rowsOfModel } from "../../test/rows-of-model.ts";
import type { RequestRecord } from "../usage/record.ts";

const BOUND_MS = 250;
const left = { status: 499, errorCode: "client_closed_request", clientGone: true };

let openai: FakeOpenAIServer;
let anthropic: FakeAnthropicServer;
let standIn: StandInClaude;
let proxy: ProxyHarness;
let agent: FakeAgent;

beforeAll(async () => {
  openai = await startFakeOpenAIServer();
  anthropic = await startFakeAnthropicServer();
  standIn = await createStandInClaude({
    answer: { type: "generate", seed: 1, characters: 400 },
    promptOverrides: true,
  });
  proxy = await startProxyHarness({
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: openai.baseUrl,
    ANTHROPIC_API_KEY: "sk-ant",
    ANTHROPIC_BASE_URL: anthropic.baseUrl,
    CLAUDE_CLI_ENABLED: "true",
    CLAUDE_CLI_PATH: standIn.command,
  });
  agent = new FakeAgent({ url: proxy.url, secret: TEST_AGENT_SECRET });
  await agent.start({ maxConcurrency: 1 });
});
afterAll(async () => {
  await agent.drop();
  await proxy.close();
  await openai.close();
  await anthropic.close();
  await standIn.remove();
});

/** One request that has come to the phase in which its client leaves. */
interface Begun {
  readonly client: RawClient;
  /** Resolves when whoever works for the request has seen that it is over. */
  readonly stopped: () => Promise<unknown>;
  /** Frees what the case holds. */
  readonly after?: () => Promise<unknown>;
}

interface Case {
  readonly name: string;
  readonly times: number;
  readonly begin: (model: string) => Promise<Begun>;
  readonly provider: string;
  /** What the row says was used: what the upstream had told by then. */
  readonly used?: Partial<RequestRecord>;
}

const nothing = { promptTokens: null, completionTokens: null };

async function ask(model: string, stream: boolean, content: string = "hello"): Promise<RawClient> {
  const client = await RawClient.open(proxy.url);
  client.send(chatPost(proxy.apiKey, { model, stream, messages: [{ role: "user", content }] }));
  return client;
}

/** A case of an upstream over HTTP: it answers so far and then nothing more, until its socket closes. */
function upstreamCase(
  upstream: () => ScriptedServer,
  reply: ScriptedReply,
  { stream, until }: { readonly stream: boolean; readonly until?: RegExp },
): Case["begin"] {
  return async (model) => {
    const index = upstream().requests.length;
    upstream().enqueue(reply);
    const client = await ask(model, stream);
    const request = await upstream().request(index);
    if (until !== undefined) await client.until(until);
    else if ("steps" in reply) while (request.stepsWritten < reply.steps.length) await sleep(1);
    return { client, stopped: async () => expect(await request.closed).toBe("cut") };
  };
}

/** A case of an agent that has got the request and said so much of it. */
function agentCase(
  stream: boolean,
  say: (run: FakeRun) => Parameters<FakeAgent["post"]>[0] | undefined,
  until?: RegExp,
) {
  return async (model: string): Promise<Begun> => {
    const client = await ask(model, stream);
    const run = new FakeRun(await agent.event("request"));
    const messages = say(run);
    if (messages !== undefined) await agent.post(messages);
    if (until !== undefined) await client.until(until);
    return {
      client,
      stopped: () => agent.event("cancel"),
      after: () => agent.post(run.error({ code: "cancelled", status: 499 })),
    };
  };
}

/** A case of a CLI process that has written so many lines. */
function cliCase(stream: boolean, hangAfterLines: number, until?: RegExp) {
  return async (model: string): Promise<Begun> => {
    const before = (await standIn.readRecords()).filter(({ type }) => type === "start").length;
    const settings = { standIn: { hangAfterLines, ignoreSigterm: false } };
    const client = await ask(model, stream, JSON.stringify(settings));
    let pid: number | undefined;
    while (pid === undefined) {
      await sleep(5);
      const starts = (await standIn.readRecords()).filter((record) => record.type === "start");
      pid = starts.filter(({ argv }) => argv.includes("-p") || argv.includes("--print"))[before]?.pid;
    }
    if (until !== undefined) await client.until(until);
    const started = pid;
    return {
      client,
      stopped: async () => {
        while (isAlive(started)) await sleep(2);
      },
    };
  };
}

const lead = openAIPayloads().map((payload) => `data: ${payload}\n\n`);
const told = `data: ${JSON.stringify({ ...JSON.parse(openAIPayloads().at(-1) ?? ""), choices: [] })}\n\n`;
const events = anthropicFrames(anthropicEvents());
const half = { headers: { "content-type": "application/json" }, steps: ['{"id":'], end: "hang" } as const;

const CASES: readonly Case[] = [
  {
    name: "while its body comes in",
    times: 20,
    provider: "",
    begin: async () => {
      const client = await RawClient.open(proxy.url);
      const calls = proxy.runtime.activeCalls();
      client.send(chatPost(proxy.apiKey, "{", ["Content-Length: 1000"]));
      while (proxy.runtime.activeCalls() === calls) await sleep(1);
      return {
        client,
        stopped: async () => {
          while (proxy.runtime.activeCalls() > calls) await sleep(1);
        },
      };
    },
  },
  {
    name: "while it waits for a busy agent",
    times: 10,
    provider: "claude-cli-remote",
    begin: async (model) => {
      const blocker = await ask("claude-cli-remote/claude-blocker", true);
      const run = new FakeRun(await agent.event("request"));
      const client = await ask(model, true);
      while (proxy.runtime.manager.status().queuedRequests === 0) await sleep(1);
      return {
        client,
        stopped: async () => {
          while (proxy.runtime.manager.status().queuedRequests > 0) await sleep(1);
        },
        after: async () => {
          blocker.destroy();
          await agent.event("cancel");
          await agent.post(run.error({ code: "cancelled", status: 499 }));
        },
      };
    },
  },
  {
    name: "before the upstream's headers",
    times: 20,
    provider: "openai",
    used: nothing,
    begin: upstreamCase(() => openai, { fail: "hang" }, { stream: true }),
  },
  {
    name: "before the first token",
    times: 20,
    provider: "openai",
    used: nothing,
    begin: upstreamCase(() => openai, { steps: lead.slice(0, 1), end: "hang" }, { stream: true }),
  },
  {
    name: "in mid-stream",
    times: 20,
    provider: "openai",
    used: nothing,
    begin: upstreamCase(() => openai, { steps: lead.slice(0, 3), end: "hang" }, { stream: true, until: /Hello/ }),
  },
  {
    name: "in mid-stream, after usage was told",
    times: 20,
    provider: "openai",
    used: { promptTokens: 11, completionTokens: 4 },
    begin: upstreamCase(
      () => openai,
      { steps: [...lead.slice(0, 2), told, ...lead.slice(2, 3)], end: "hang" },
      { stream: true, until: / there/ },
    ),
  },
  {
    name: "of a whole answer, before the headers",
    times: 20,
    provider: "openai",
    used: nothing,
    begin: upstreamCase(() => openai, { fail: "hang" }, { stream: false }),
  },
  {
    name: "of a whole answer, in the middle of it",
    times: 20,
    provider: "openai",
    used: nothing,
    begin: upstreamCase(() => openai, half, { stream: false }),
  },
  {
    name: "before the upstream's headers",
    times: 20,
    provider: "claude-api",
    used: nothing,
    begin: upstreamCase(() => anthropic, { fail: "hang" }, { stream: true }),
  },
  {
    name: "before the first token",
    times: 20,
    provider: "claude-api",
    used: { promptTokens: 2125, completionTokens: 1 },
    begin: upstreamCase(() => anthropic, { steps: events.slice(0, 2), end: "hang" }, { stream: true }),
  },
  {
    name: "in mid-stream",
    times: 20,
    provider: "claude-api",
    used: { promptTokens: 2125, completionTokens: 1 },
    begin: upstreamCase(() => anthropic, { steps: events.slice(0, 4), end: "hang" }, { stream: true, until: /Hello/ }),
  },
  {
    name: "of a whole answer, in the middle of it",
    times: 20,
    provider: "claude-api",
    used: nothing,
    begin: upstreamCase(() => anthropic, half, { stream: false }),
  },
  {
    name: "before the agent accepts",
    times: 10,
    provider: "claude-cli-remote",
    begin: agentCase(true, () => undefined),
  },
  {
    name: "before the agent's first token",
    times: 10,
    provider: "claude-cli-remote",
    begin: agentCase(true, (run) => run.accept()),
  },
  {
    name: "in the agent's mid-stream",
    times: 10,
    provider: "claude-cli-remote",
    begin: agentCase(true, (run) => [run.accept(), run.text("Hello")], /Hello/),
  },
  {
    name: "of a whole answer of an agent",
    times: 10,
    provider: "claude-cli-remote",
    begin: agentCase(false, (run) => [run.accept(), run.text("Hello")]),
  },
  { name: "before the CLI's first token", times: 3, provider: "claude-cli", begin: cliCase(true, 1) },
  { name: "in the CLI's mid-stream", times: 3, provider: "claude-cli", begin: cliCase(true, 6, /"content":"./) },
  { name: "of a whole answer of a CLI", times: 3, provider: "claude-cli", begin: cliCase(false, 6) },
];

// What is repeated is the measurement, not the bound: other work on the machine may hold up one run of it.
it.each(CASES)(
  "a client that leaves ($provider) $name is gone everywhere within 250 ms, and its row says what was used",
  { retry: 4, timeout: 30_000 },
  async ({ begin, times, provider, used = {} }) => {
    const model = `${provider === "" ? "openai" : provider}/claude-${Math.random().toString(36).slice(2)}`;
    const tookMs: number[] = [];
    for (let time = 1; time <= times; time += 1) {
      const { client, stopped, after } = await begin(model);
      const leftAt = performance.now();
      client.destroy();
      await stopped();
      const row = provider === "" ? proxy.runtime.live.recent()[0] : (await rowsOfModel(proxy, model, time))[0];
      tookMs.push(performance.now() - leftAt);
      const asked = provider === "" ? { requestedModel: null, keyName: "test" } : { provider };
      expect(row).toMatchObject({ ...left, ...asked, ...used });
      await after?.();
    }
    expect(percentile(tookMs, 0.99)).toBeLessThanOrEqual(BOUND_MS);
  },
);
