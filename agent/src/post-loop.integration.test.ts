import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deltaDigestText, type AgentComplete, type CancelEvent, type HelloMessage } from "../../src/lib/agent/types.ts";
import { createProxyClient, type ProxyClient } from "./http-client.ts";
import { silentLogger } from "./logger.ts";
import { Outbox, type OutboxBounds } from "./outbox.ts";
import { PostLoop } from "./post-loop.ts";
import { OUTCOME } from "./testing/scripted-executor.ts";
import {
  answerJson,
  answerStatus,
  loseAnswer,
  startScriptedProxy,
  TEST_SECRET,
  type PostScript,
  type ScriptedProxy,
} from "./testing/scripted-proxy.ts";
import { sleep } from "./timing.ts";

let proxy: ScriptedProxy;
let client: ProxyClient;
let posts: PostLoop;
let stop: AbortController;
let running: Promise<void>;
let waits: number[];
let cancels: CancelEvent[];
let settled: string[];
let refused: string[];

beforeEach(async () => {
  proxy = await startScriptedProxy();
  client = createProxyClient({ url: proxy.url, secret: TEST_SECRET, agentId: "laptop" });
  stop = new AbortController();
  [waits, cancels, settled, refused] = [[], [], [], []];
  posts = new PostLoop({
    client,
    logger: silentLogger,
    // The time is noted and shortened.
    sleep: (ms, signal) => {
      waits.push(ms);
      return sleep(1, signal);
    },
    random: () => 1,
    onCancel: (cancel) => cancels.push(cancel),
    onSettled: (outbox) => settled.push(outbox.requestId),
    onRefused: (outbox, status) => refused.push(`${outbox.requestId} ${status}`),
  });
  running = posts.run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await running;
  await client.close();
  await proxy.close();
});

function open(requestId: string, bounds: Partial<OutboxBounds> = {}): Outbox {
  const outbox = new Outbox(requestId, () => posts.wake(), bounds);
  posts.add(outbox);
  return outbox;
}

const HELLO: HelloMessage & { type: "hello" } = {
  type: "hello",
  version: "1",
  platform: "test",
  clis: [],
  models: [],
  maxConcurrency: 1,
  inFlight: [],
};
const LIMITS = { maxPostBytes: 4 * 1024 * 1024, maxBatchMessages: 1000 };

/** Checks what the proxy checks at `complete`: nothing lost, nothing twice. */
function expectWhole(requestId: string): void {
  const messages = proxy.committed.get(requestId) ?? [];
  expect(messages.map((message) => message.seq)).toEqual(messages.map((_message, index) => index + 1));
  const deltas = messages.flatMap((message) => (message.type === "chunk" ? message.deltas : []));
  const digest = createHash("sha256");
  for (const delta of deltas) digest.update(deltaDigestText(delta));
  const complete = messages.at(-1) as AgentComplete;
  expect(complete).toMatchObject({ type: "complete", deltaCount: deltas.length, deltaSha256: digest.digest("hex") });
}

async function talk(outbox: Outbox, words: readonly string[]): Promise<void> {
  for (const word of words) {
    outbox.delta({ content: word });
    await new Promise((resolve) => setImmediate(resolve));
  }
  outbox.complete(OUTCOME);
}

const WORDS = Array.from({ length: 200 }, (_value, index) => `word ${index} `);

describe("PostLoop", () => {
  it("has one POST in flight, and gathers for the next meanwhile", async () => {
    let inFlight = 0;
    let most = 0;
    const slow: PostScript = (post, response, scripted) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setTimeout(() => {
        inFlight -= 1;
        answerJson(response, 200, scripted.commit(post));
      }, 20);
    };
    proxy.postScripts.push(slow, slow, slow);
    const outbox = open("r1");
    outbox.accept(1);
    await talk(outbox, WORDS);
    await vi.waitFor(() => expect(settled.length === 1).toBe(true), { timeout: 5000 });
    expect(most).toBe(1);
    expect(proxy.posts.length).toBeLessThan(WORDS.length / 2);
    expect(proxy.text("r1")).toBe(WORDS.join(""));
    expectWhole("r1");
  });

  it("carries several requests in one POST", async () => {
    let release = (): void => undefined;
    proxy.postScripts.push((post, response, scripted) => {
      release = () => answerJson(response, 200, scripted.commit(post));
    });
    const [first, second] = [open("r1"), open("r2")];
    first.accept(1);
    await proxy.until(() => proxy.posts.length === 1);
    first.delta({ content: "a" });
    second.accept(1);
    second.delta({ content: "b" });
    release();
    await proxy.until(() => proxy.text("r2") === "b");
    expect(proxy.posts[1]?.messages.map((message) => message.type)).toEqual(["chunk", "accept", "chunk"]);
  });

  it.each([
    ["answers are lost after the commit", loseAnswer],
    ["the proxy answers 500", answerStatus(500)],
    ["the proxy answers 503", answerStatus(503)],
    ["the connection breaks before the commit", ((_post, response) => response.destroy()) satisfies PostScript],
    ["somebody else answers", ((_post, response) => response.end("<html>")) satisfies PostScript],
    ["a stranger answers 404", ((_post, response) => response.writeHead(404).end("gone")) satisfies PostScript],
    [
      "the answer has no result for the request",
      ((_post, response) => answerJson(response, 200, { results: [], cancels: [] })) satisfies PostScript,
    ],
  ])("delivers everything once and in order when %s", async (_title, fault) => {
    proxy.postScripts.push(
      fault,
      (post, response, scripted) => answerJson(response, 200, scripted.commit(post)),
      fault,
      fault,
      fault,
    );
    const outbox = open("r1");
    outbox.accept(1);
    await talk(outbox, WORDS);
    await vi.waitFor(() => expect(settled.length === 1).toBe(true), { timeout: 5000 });
    expect(proxy.text("r1")).toBe(WORDS.join(""));
    expectWhole("r1");
  });

  it("waits 0.5 s doubling to 30 s between failures", async () => {
    for (let index = 0; index < 8; index += 1) proxy.postScripts.push(answerStatus(500));
    open("r1").accept(1);
    await proxy.until(() => proxy.committed.has("r1"));
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("rewinds to the number after the acknowledged one at a gap", async () => {
    proxy.postScripts.push(
      (post, response, scripted) => answerJson(response, 200, scripted.commit(post)),
      (_post, response, scripted) => {
        const ackedSeq = scripted.committed.get("r1")?.length ?? 0;
        answerJson(response, 200, { results: [{ requestId: "r1", status: "gap", ackedSeq }], cancels: [] });
      },
    );
    const outbox = open("r1");
    outbox.accept(1);
    await talk(outbox, WORDS);
    await vi.waitFor(() => expect(settled.length === 1).toBe(true), { timeout: 5000 });
    expectWhole("r1");
  });

  it("ends the request when the proxy asks for what it had acknowledged", async () => {
    proxy.postScripts.push(
      (post, response, scripted) => answerJson(response, 200, scripted.commit(post)),
      (_post, response, scripted) => {
        scripted.committed.clear();
        answerJson(response, 200, { results: [{ requestId: "r1", status: "gap", ackedSeq: 0 }], cancels: [] });
      },
    );
    const outbox = open("r1");
    outbox.accept(1);
    await vi.waitFor(() => expect(outbox.ackedSeq === 1).toBe(true), { timeout: 5000 });
    outbox.delta({ content: "x" });
    await vi.waitFor(() => expect(settled.length === 1).toBe(true), { timeout: 5000 });
    expect(proxy.committed.get("r1")).toMatchObject([{ type: "error", seq: 1, code: "agent_protocol_error" }]);
  });

  it("does not ask in a tight circle when nothing advances", async () => {
    const stuck: PostScript = (_post, response) =>
      answerJson(response, 200, { results: [{ requestId: "r1", status: "gap", ackedSeq: 0 }], cancels: [] });
    proxy.postScripts.push(stuck, stuck, stuck, stuck);
    open("r1").accept(1);
    await proxy.until(() => proxy.committed.has("r1"));
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it("resends what was held after the time that the proxy names, and serves other requests meanwhile", async () => {
    proxy.postScripts.push((post, response, scripted) => {
      const { results } = scripted.commit({ ...post, messages: post.messages.slice(0, 1) });
      answerJson(response, 200, { results: [{ ...results[0], status: "held", retryAfterMs: 1234 }], cancels: [] });
    });
    const slow = open("slow");
    slow.accept(1);
    slow.delta({ content: "a" });
    await proxy.until(() => proxy.text("slow") === "a");
    expect(waits).toEqual([1234]);
    open("quick").accept(1);
    await proxy.until(() => proxy.committed.has("quick"));
  });

  it.each(["unknown", "closed"] as const)("drops a request that is %s to the proxy, also in a 404", async (status) => {
    proxy.postScripts.push((_post, response) =>
      answerJson(response, status === "unknown" ? 404 : 200, {
        results: [{ requestId: "r1", status, ackedSeq: 0 }],
        cancels: [],
      }),
    );
    open("r1").accept(1);
    await expect.poll(() => refused).toEqual([`r1 ${status}`]);
    expect(waits).toEqual([]);
  });

  it("hands on the cancels of an answer", async () => {
    proxy.cancels = [{ requestId: "r9", reason: "client_closed" }];
    open("r1").accept(1);
    await expect.poll(() => cancels).toEqual([{ requestId: "r9", reason: "client_closed" }]);
  });

  it("keeps POSTs within the proxy's limits", async () => {
    posts.beginSession(HELLO, { maxPostBytes: 20_000, maxBatchMessages: 3 });
    const outbox = open("r1", { maxChunkText: 2000 });
    const text = "x".repeat(100_000);
    outbox.delta({ content: text });
    outbox.complete(OUTCOME);
    await vi.waitFor(() => expect(settled.length === 1).toBe(true), { timeout: 5000 });
    expect(Math.max(...proxy.posts.map((post) => post.bytes))).toBeLessThanOrEqual(20_000);
    expect(Math.max(...proxy.posts.map((post) => post.messages.length))).toBeLessThanOrEqual(3);
    expect(proxy.text("r1")).toBe(text);
  });

  it("finds the one message that the proxy refuses and ends only its request", async () => {
    const refuseBad: PostScript = (post, response, scripted) => {
      scripted.postScripts.unshift(refuseBad);
      const isBad = post.messages.some((message) => message.type === "chunk" && message.deltas[0]?.content === "bad");
      if (isBad) answerJson(response, 413, {});
      else answerJson(response, 200, scripted.commit(post));
    };
    proxy.postScripts.push(refuseBad);
    posts.control({ type: "heartbeat" });
    await proxy.until(() => proxy.posts.length === 1);
    for (const id of ["r1", "r2", "r3"]) {
      const outbox = open(id);
      outbox.accept(1);
      outbox.delta({ content: id === "r2" ? "bad" : "good" });
      outbox.complete(OUTCOME);
    }
    await vi.waitFor(() => expect(settled.length === 3).toBe(true), { timeout: 5000 });
    expect(proxy.last("r1")).toMatchObject({ type: "complete" });
    expect(proxy.last("r2")).toMatchObject({ type: "error", code: "agent_protocol_error" });
    expect(proxy.last("r3")).toMatchObject({ type: "complete" });
  });

  it("begins a session with hello, without waiting out an earlier failure or a POST that hangs", async () => {
    proxy.postScripts.push(() => undefined);
    const outbox = open("r1");
    outbox.accept(1);
    await proxy.until(() => proxy.posts.length === 1);
    posts.beginSession(HELLO, LIMITS);
    await proxy.until(() => proxy.committed.has("r1"));
    expect(proxy.posts[1]?.messages.map((message) => message.type)).toEqual(["hello", "accept"]);
    expect(waits).toEqual([]);
  });

  it("sends only the newest of each kind of message about the agent", async () => {
    proxy.postScripts.push((post, response, scripted) => {
      for (let now = 1; now <= 3; now += 1) posts.control({ type: "heartbeat", pingNow: now });
      answerJson(response, 200, scripted.commit(post));
    });
    posts.control(HELLO);
    await proxy.until(() => proxy.posts.length === 2);
    expect(proxy.posts[1]?.messages).toEqual([{ type: "heartbeat", pingNow: 3 }]);
  });

  it("says when all is sent, and stops waiting for it when told to", async () => {
    const outbox = open("r1");
    outbox.accept(1);
    await posts.flushed(AbortSignal.timeout(5000));
    expect(outbox.ackedSeq).toBe(1);
    proxy.postScripts.push(() => undefined);
    outbox.delta({ content: "x" });
    const startedAt = performance.now();
    await posts.flushed(AbortSignal.timeout(50));
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
