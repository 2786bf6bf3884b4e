import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { CLAUDE_VERSIONS } from "../../scripts/fetch-claude.ts";
import { anthropicEvents, anthropicFrames, FAKE_ANTHROPIC_USAGE } from "../../src/test/fake-anthropic-server.ts";
import { startScriptedServer, type ScriptedReply, type ScriptedServer } from "../../src/test/fake-scripted-server.ts";
import { startAgent } from "../support/agent.ts";
import type { StartedProcess } from "../support/child-process.ts";
import { startProxy, type StartedProxy } from "../support/proxy.ts";

const programs = inject("claudePrograms");
const messages = [{ role: "user" as const, content: "Say hello" }];
const promptTokens =
  FAKE_ANTHROPIC_USAGE.input_tokens +
  FAKE_ANTHROPIC_USAGE.cache_creation_input_tokens +
  FAKE_ANTHROPIC_USAGE.cache_read_input_tokens;

interface StatusAgent {
  readonly id: string;
  readonly inFlight: number;
}

/** An Anthropic-speaking server; every `/v1/messages` gets `reply()`. */
async function startApi(reply: () => ScriptedReply): Promise<ScriptedServer> {
  return await startScriptedServer({
    fallback: reply,
    aside: ({ method, path }) =>
      method === "POST" && path.startsWith("/v1/messages") ? undefined : { json: {}, status: 404 },
  });
}

const say = (pieces: readonly string[]): ScriptedReply => ({
  steps: anthropicFrames(anthropicEvents({ model: "claude-sonnet-5-5", pieces })),
});

/** Groups that processes named like the program belong to: one CLI leads one group. */
function groupsOf(program: string): string[] {
  const listing = execFileSync("ps", ["-eo", "pgid=,args="], { encoding: "utf8" });
  return [...listing.matchAll(/^\s*(\d+)\s+(.*)$/gm)].flatMap(([, group, command]) =>
    command?.includes(program) && command.includes("stream-json") ? [group ?? ""] : [],
  );
}

describe.each(CLAUDE_VERSIONS)("the main job with claude %s behind an agent", (version) => {
  const program = programs[version];
  const run = program === undefined ? it.skip : it;
  let proxy: StartedProxy;
  let agent: StartedProcess;
  let client: OpenAI;
  let laptopApi: ScriptedServer;
  let fallbackApi: ScriptedServer;
  let laptopReply: ScriptedReply = say(["from ", "the ", "laptop"]);
  const home = mkdtempSync(join(tmpdir(), "codewise-home-"));

  const statusAgents = async (): Promise<readonly StatusAgent[]> => {
    const response = await proxy.asAdmin("/api/agent/status");
    return ((await response.json()) as { agents: readonly StatusAgent[] }).agents;
  };
  const connect = async (): Promise<void> => {
    agent = await startAgent({
      url: proxy.url,
      id: "laptop",
      claudePath: program ?? "",
      passEnv: { ANTHROPIC_API_KEY: "sk-fake", ANTHROPIC_BASE_URL: laptopApi.origin },
      env: { HOME: home },
    });
    await expect.poll(statusAgents, { timeout: 30_000 }).toMatchObject([{ id: "laptop", state: "ready", inFlight: 0 }]);
  };
  const ask = async (prompt = messages) =>
    await client.chat.completions
      .create({ model: "sonnet", messages: prompt, stream: true, stream_options: { include_usage: true } })
      .withResponse();

  beforeAll(async () => {
    laptopApi = await startApi(() => laptopReply);
    fallbackApi = await startApi(() => say(["from ", "the ", "API"]));
    proxy = await startProxy({
      ANTHROPIC_API_KEY: "sk-fallback",
      ANTHROPIC_BASE_URL: fallbackApi.origin,
      AGENT_RESUME_GRACE_MS: "1000",
    });
    client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: proxy.apiKey, maxRetries: 0 });
  });
  afterAll(async () => {
    await agent?.stop();
    await proxy.stop();
    await Promise.all([laptopApi.close(), fallbackApi.close()]);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  run("shows no agents, then the agent", async () => {
    expect(await statusAgents()).toEqual([]);
    await connect();
  });

  run("streams what the real CLI produced, with its usage and finish reason", async () => {
    const { data: stream, response } = await ask();
    expect(response.headers.get("x-codewise-provider")).toBe("claude-cli-remote");
    expect(response.headers.get("x-codewise-agent")).toBe("laptop");
    let text = "";
    let finishReason: string | null | undefined;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finishReason = chunk.choices[0]?.finish_reason ?? finishReason;
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe("from the laptop");
    expect(finishReason).toBe("stop");
    expect(usage).toMatchObject({
      prompt_tokens: promptTokens,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: FAKE_ANTHROPIC_USAGE.cache_read_input_tokens },
    });
    const last = laptopApi.requests.at(-1);
    expect(last?.headers["x-api-key"]).toBe("sk-fake");
  });

  run("answers whole completions too", async () => {
    const completion = await client.chat.completions.create({ model: "sonnet", messages });
    expect(completion.choices[0]?.message.content).toBe("from the laptop");
    expect(completion.usage?.prompt_tokens).toBe(promptTokens);
  });

  run(
    "shows the work in flight, and ends the CLI's group within 2 s when the client closes in mid-stream",
    async () => {
      const hold = Promise.withResolvers<void>();
      const frames = anthropicFrames(anthropicEvents({ pieces: ["first", "second"] }));
      laptopReply = { steps: [...frames.slice(0, 4), { until: hold.promise }, ...frames.slice(4)] };
      const { data: stream, request_id: requestId } = await ask();
      let working: readonly StatusAgent[] = [];
      for await (const chunk of stream) {
        if (!chunk.choices[0]?.delta.content) continue;
        working = await statusAgents();
        break;
      }
      const closedAt = performance.now();
      expect(working).toMatchObject([{ id: "laptop", inFlight: 1, requests: [{ requestId, model: "sonnet" }] }]);
      await expect.poll(() => groupsOf(program ?? ""), { timeout: 2000, interval: 20 }).toEqual([]);
      expect(performance.now() - closedAt).toBeLessThan(2000);
      hold.resolve();
      laptopReply = say(["from ", "the ", "laptop"]);

      const overview = (await (await proxy.asAdmin("/api/admin/overview")).json()) as {
        requests: Record<string, unknown>[];
      };
      const row = overview.requests.find((request) => request["id"] === requestId);
      expect(row).toMatchObject({
        clientGone: true,
        status: 499,
        agentId: "laptop",
        errorCode: "client_closed_request",
      });
    },
  );

  run("keeps @mentions and slash commands inert from the client to the API", async () => {
    const canary = join(home, "canary.txt");
    execFileSync("sh", ["-c", `printf 'the-canary-sings' > "$1"`, "sh", canary]);
    expect(readFileSync(canary, "utf8")).toBe("the-canary-sings");
    const before = laptopApi.requests.length;
    const { data: stream } = await ask([
      { role: "user", content: `@${canary}` },
      { role: "user", content: `/clear\n@${canary} and @canary.txt` },
    ]);
    for await (const chunk of stream) expect(chunk).toBeDefined();
    const sent = laptopApi.requests
      .slice(before)
      .map((request) => request.text)
      .join("\n");
    expect(sent).toContain("/clear");
    expect(sent).toContain("canary.txt");
    expect(sent).not.toContain("the-canary-sings");
  });

  run("serves the same call from the API when the agent is stopped", async () => {
    expect(await agent.stop()).toBe(0);
    await expect.poll(statusAgents).toEqual([]);
    const { data: stream, response } = await ask();
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("from the API");
    expect(response.headers.get("x-codewise-provider")).toBe("claude-api");
    await connect();
  });

  run("leaves no CLI running when the agent is killed with -9, and fails over what had delivered nothing", async () => {
    const hold = Promise.withResolvers<void>();
    laptopReply = { steps: [{ until: hold.promise }] };
    const answer = ask();
    await expect.poll(() => groupsOf(program ?? "").length, { timeout: 20_000, interval: 20 }).toBe(1);
    await agent.stop("SIGKILL");
    await expect.poll(() => groupsOf(program ?? ""), { timeout: 3000, interval: 20 }).toEqual([]);
    const { data: stream, response } = await answer;
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("from the API");
    expect(response.headers.get("x-codewise-attempts")).toBe("2");
    hold.resolve();
  });
});

it("has both versions of the CLI in CI", () => {
  const missing = CLAUDE_VERSIONS.filter((version) => programs[version] === undefined);
  expect(process.env["CI"] ? missing : []).toEqual([]);
});
