import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  anthropicEvents,
  anthropicFrames,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../test/fake-anthropic-server.ts";
import {
  openAICompletion,
  openAIFrames,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../../test/fake-openai-server.ts";
import type { ReceivedRequest } from "../../test/fake-scripted-server.ts";
import { percentile } from "../../test/percentile.ts";
import { startProxyHarness, type ProxyHarness } from "../../test/proxy-harness.ts";
import { chatPost, RawClient } from "../../test/raw-client.ts";
import { rowsOfModel } from "../../test/rows-of-model.ts";

const LIMIT_MS = 1500;
const SLOW_CLIENTS = 100;
/** More than the kernel keeps for a socket that nobody reads. */
const PIECES = Array.from({ length: 256 }, () => "x".repeat(32 * 1024));
/** Made once: the upstream lives in this process, and its memory is not what is measured. */
const FRAMES = openAIFrames({ pieces: PIECES }).map((frame) => Buffer.from(frame));

let openai: FakeOpenAIServer;
let anthropic: FakeAnthropicServer;
let proxy: ProxyHarness;
const clients: RawClient[] = [];

beforeAll(async () => {
  openai = await startFakeOpenAIServer();
  anthropic = await startFakeAnthropicServer();
  proxy = await startProxyHarness({
    OPENAI_API_KEY: "sk-upstream",
    OPENAI_BASE_URL: openai.baseUrl,
    ANTHROPIC_API_KEY: "sk-ant",
    ANTHROPIC_BASE_URL: anthropic.baseUrl,
    SLOW_READER_TIMEOUT_MS: String(LIMIT_MS),
  });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(async () => {
  await proxy.close();
  await openai.close();
  await anthropic.close();
});

/** A client that sends a request and then reads nothing until it is told to. */
async function askAndPause(model: string, stream: boolean): Promise<RawClient> {
  const client = await RawClient.open(proxy.url);
  clients.push(client);
  client.socket.pause();
  client.send(chatPost(proxy.apiKey, { model, stream, messages: [{ role: "user", content: "hello" }] }));
  return client;
}

/** Takes a byte a second, which makes room for none in the kernel's buffers. */
function readByteByByte(client: RawClient): NodeJS.Timeout {
  return setInterval(() => client.socket.read(1), 1000);
}

async function askQuickly(): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${proxy.apiKey}` } });
  await answer.text();
  return performance.now() - startedAt;
}

/** Resolves once the upstream can write no more to any of these requests. */
async function untilStuck(requests: () => readonly ReceivedRequest[]): Promise<void> {
  for (let before = -1; ;) {
    const written = requests().reduce((sum, request) => sum + request.stepsWritten, 0);
    if (written === before && requests().length === SLOW_CLIENTS) return;
    before = written;
    await sleep(100);
  }
}

describe("a client that does not read", () => {
  it("is cut in mid-stream after the limit, its upstream is aborted, and the row says so", async () => {
    openai.enqueue({ steps: FRAMES, end: "hang" });
    const askedAt = performance.now();
    await askAndPause("openai/stream", true);
    expect(await (await openai.request(0)).closed).toBe("cut");
    expect(performance.now() - askedAt).toBeGreaterThan(LIMIT_MS);
    expect(await rowsOfModel(proxy, "openai/stream")).toMatchObject([{ status: 499, errorCode: "client_too_slow" }]);
  });

  it("is cut while a whole answer is sent, and the row has what the answer used", async () => {
    openai.enqueue({ json: openAICompletion({ pieces: PIECES }) });
    const client = await askAndPause("openai/whole", false);
    expect(await rowsOfModel(proxy, "openai/whole")).toMatchObject([
      { status: 499, errorCode: "client_too_slow", promptTokens: 11, completionTokens: 4 },
    ]);
    client.socket.resume();
    expect((await client.closed()).length).toBeLessThan(8 * 1024 * 1024);
  });

  it("is cut in a translated stream, and the row has what the upstream told before", async () => {
    anthropic.enqueue({ steps: anthropicFrames(anthropicEvents({ pieces: PIECES })), end: "hang" });
    await askAndPause("claude-api/claude-sonnet-5-5", true);
    expect(await (await anthropic.request(0)).closed).toBe("cut");
    expect(await rowsOfModel(proxy, "claude-api/claude-sonnet-5-5")).toMatchObject([
      { errorCode: "client_too_slow", promptTokens: 2125, completionTokens: 1 },
    ]);
  });

  it("is let be while it takes what is sent in time, however long the whole takes", async () => {
    openai.enqueue({ steps: FRAMES });
    const client = await askAndPause("openai/steady", true);
    const until = performance.now() + LIMIT_MS * 2;
    while (performance.now() < until) {
      await sleep(LIMIT_MS / 4);
      client.socket.resume();
      await sleep(20);
      client.socket.pause();
    }
    client.socket.resume();
    await client.until(/data: \[DONE\]/);
    expect(await rowsOfModel(proxy, "openai/steady")).toMatchObject([{ status: 200, errorCode: null }]);
  });
});

it("a hundred clients that read a byte a second leave the others' latency and the memory alone, and are cut", async () => {
  const quiet: number[] = [];
  for (let ask = 0; ask < 50; ask += 1) quiet.push(await askQuickly());
  const first = openai.requests.length;
  const memoryBefore = process.memoryUsage();
  openai.enqueue(...Array.from({ length: SLOW_CLIENTS }, () => ({ steps: FRAMES, end: "hang" as const })));
  const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => askAndPause("openai/hundred", true)));
  const timers = slow.map(readByteByByte);
  await untilStuck(() => openai.requests.slice(first));
  const memory = process.memoryUsage();
  const busy: number[] = [];
  for (let ask = 0; ask < 50; ask += 1) busy.push(await askQuickly());
  const ends = await Promise.all(openai.requests.slice(first).map((request) => request.closed));
  for (const timer of timers) clearInterval(timer);

  expect(new Set(ends)).toEqual(new Set(["cut"]));
  const rows = await rowsOfModel(proxy, "openai/hundred", SLOW_CLIENTS);
  expect(new Set(rows.map((row) => row.errorCode))).toEqual(new Set(["client_too_slow"]));
  expect(percentile(busy, 0.5)).toBeLessThan(Math.max(5, percentile(quiet, 0.5) * 2));
  // Garbage and the ends of client and upstream, which are in this process too, included; unbounded it would be 5 MiB.
  const grown = memory.arrayBuffers + memory.heapUsed - memoryBefore.arrayBuffers - memoryBefore.heapUsed;
  expect(grown / SLOW_CLIENTS).toBeLessThan(1.5 * 1024 * 1024);
});
