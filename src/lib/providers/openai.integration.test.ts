import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  FAKE_OPENAI_USAGE,
  openAICompletion,
  openAIFrames,
  openAIPayloads,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../../test/fake-openai-server.ts";
import { startScriptedServer } from "../../test/fake-scripted-server.ts";
import { CollectingSink, createCall } from "../../test/provider-call.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { createOpenAIProvider } from "./openai.ts";
import type { LLMProvider } from "./types.ts";

const KEY = "test-key-that-must-not-show";
const INCLUDE_USAGE = { stream_options: { include_usage: true } };

let upstream: FakeOpenAIServer;
let provider: LLMProvider;
let sink: CollectingSink;

beforeEach(async () => {
  upstream = await startFakeOpenAIServer({ models: ["gpt-a", "gpt-b"] });
  provider = createOpenAIProvider({ apiKey: KEY, baseUrl: upstream.baseUrl });
  sink = new CollectingSink();
});

afterEach(async () => {
  await provider.close();
  await upstream.close();
});

const failure = (fields: Record<string, unknown>) => expect.objectContaining(fields);

describe("the request upstream", () => {
  it("has the client's fields untouched, unknown ones too, the model without its prefix, and always asks for usage", async () => {
    const request = {
      model: "openai/gpt-a",
      stream: true,
      messages: [{ role: "user", content: [{ type: "input_audio", input_audio: { data: "x" } }], odd: [1, null] }],
      made_up: { deep: [null, 1.5] },
      seed: 7,
      stream_options: { include_obfuscation: false },
    };
    await provider.stream(createCall({ model: "gpt-a", request }), sink);
    const { path, headers, body } = await upstream.request(0);
    expect(path).toBe("/v1/chat/completions");
    expect(headers.authorization).toBe(`Bearer ${KEY}`);
    expect(body).toEqual({
      ...request,
      model: "gpt-a",
      stream_options: { include_obfuscation: false, include_usage: true },
    });
  });

  it("without streaming is the client's, word for word", async () => {
    const request = { model: "gpt-a", messages: [{ role: "user", content: "Hi" }], n: 1, x: null };
    await provider.complete(createCall({ model: "gpt-a", request }));
    expect((await upstream.request(0)).body).toEqual(request);
  });

  it("names a lone token limit as OpenAI's reasoning models take it, streamed or not", async () => {
    const call = createCall({ model: "gpt-5-mini", request: { max_tokens: 9 } });
    await provider.stream(call, sink);
    await provider.complete(call);
    for (const index of [0, 1]) {
      const { body } = await upstream.request(index);
      expect(body).toMatchObject({ max_completion_tokens: 9 });
      expect(body).not.toHaveProperty("max_tokens");
    }
  });
});

describe("streaming", () => {
  it("passes every chunk byte for byte to a client that asked for usage", async () => {
    const outcome = await provider.stream(createCall({ model: "gpt-a", request: INCLUDE_USAGE }), sink);
    expect(sink.payloads).toEqual(openAIPayloads({ model: "gpt-a" }));
    const servedBy = { model: "gpt-a", upstreamRequestId: "req_fake" };
    expect(sink.opened).toEqual([servedBy]);
    expect(outcome).toEqual({ servedBy, finishReason: "stop", usage: FAKE_OPENAI_USAGE });
  });

  it("shows no trace of usage to a client that did not ask, and still knows it", async () => {
    const outcome = await provider.stream(createCall(), sink);
    const expected = openAIPayloads({ model: "test-model" }).slice(0, -1);
    expect(sink.payloads).toEqual(expected.map((payload) => payload.replace(',"usage":null', "")));
    expect(sink.payloads.join()).not.toContain("usage");
    expect(outcome.usage).toEqual(FAKE_OPENAI_USAGE);
  });

  it("leaves comments, ids, retries and event names behind", async () => {
    const [first, ...rest] = openAIFrames();
    upstream.enqueue({ steps: [": PROCESSING\n\nid: 1\nretry: 5\nevent: x\n", first!, "id: 2\n\n", ...rest] });
    await provider.stream(createCall({ request: INCLUDE_USAGE }), sink);
    expect(sink.payloads).toEqual(openAIPayloads());
  });

  it("is whole wherever the upstream's bytes are cut", async () => {
    const pieces = ["Grüße 🙂", " 日本語"];
    const bytes = Buffer.from(openAIFrames({ pieces }).join(""));
    // Every fifth offset, shifted per request, so that all offsets within characters are met.
    for (let shift = 0; shift < 5; shift += 1) {
      const steps: Buffer[] = [];
      for (let from = 0; from < bytes.length;) {
        const to = Math.min(from === 0 ? shift + 1 : from + 5, bytes.length);
        steps.push(bytes.subarray(from, to));
        from = to;
      }
      upstream.enqueue({ steps });
      const part = new CollectingSink();
      await provider.stream(createCall({ request: INCLUDE_USAGE }), part);
      expect(part.payloads).toEqual(openAIPayloads({ pieces }));
    }
  });

  it("ends at [DONE], although the upstream keeps the connection open", async () => {
    upstream.enqueue({ steps: openAIFrames(), end: "hang" });
    await expect(provider.stream(createCall(), sink)).resolves.toMatchObject({ finishReason: "stop" });
  });

  it("takes a clean close after the finish reason for the end, as some compatible servers have no [DONE]", async () => {
    upstream.enqueue({ steps: openAIFrames().slice(0, -1) });
    await expect(provider.stream(createCall(), sink)).resolves.toMatchObject({ usage: FAKE_OPENAI_USAGE });
  });

  it.each([
    ["closes before the finish reason", openAIFrames().slice(0, 3), "close"],
    ["breaks off", openAIFrames().slice(0, 3), "drop"],
    ["says [DONE] before the finish reason", [...openAIFrames().slice(0, 3), "data: [DONE]\n\n"], "close"],
    ["sends nothing", [], "close"],
    ["sends only [DONE]", ["data: [DONE]\n\n"], "close"],
  ] as const)("is a failure when the upstream %s", async (_what, steps, end) => {
    upstream.enqueue({ steps, end });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(failure({ code: "upstream_incomplete" }));
    expect(sink.count).toBe(Math.min(steps.length, 3) - (steps.length === 1 ? 1 : 0));
  });

  it.each([
    ['data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n', "upstream_overloaded"],
    ["data: {broken\n\n", "upstream_invalid_response"],
    ["data: <html>\n\n", "upstream_invalid_response"],
  ])("rejects before opening when the first event is %j", async (frame, code) => {
    upstream.enqueue({ steps: [frame], end: "hang" });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(failure({ code }));
    expect(sink.opened).toEqual([]);
    expect(await (await upstream.request(0)).closed).toBe("cut");
  });

  it.each([
    ["a role", [openAIFrames()[0]!]],
    ["a role and chunks without choices", [openAIFrames()[0]!, 'data: {"choices":[]}\n\n']],
  ])("rejects before opening when an error follows %s: another target may still answer", async (_what, lead) => {
    upstream.enqueue({ steps: [...lead, 'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'] });
    await expect(provider.stream(createCall({ request: INCLUDE_USAGE }), sink)).rejects.toEqual(
      failure({ code: "upstream_overloaded", failover: true }),
    );
    expect([sink.opened, sink.payloads]).toEqual([[], []]);
  });

  it("holds the lead only until the first output", async () => {
    upstream.enqueue({ steps: openAIFrames().slice(0, 2), end: "hang" });
    const client = new AbortController();
    const done = provider.stream(createCall({ request: INCLUDE_USAGE, signal: client.signal }), sink);
    await sink.received(2);
    expect(sink.payloads).toEqual(openAIPayloads().slice(0, 2));
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
  });

  it("rejects after what was forwarded when an error follows, with the usage known by then", async () => {
    const frames = openAIFrames();
    const usage = frames.at(-2)!;
    upstream.enqueue({ steps: [...frames.slice(0, 2), usage, 'data: {"error":{"message":"gone","code":500}}\n\n'] });
    await expect(provider.stream(createCall({ request: INCLUDE_USAGE }), sink)).rejects.toEqual(
      failure({ code: "upstream_error", message: "gone", usage: FAKE_OPENAI_USAGE }),
    );
    expect(sink.payloads).toHaveLength(3);
  });

  it("finds the error in a 200 that is plain JSON", async () => {
    upstream.enqueue({ json: { error: { message: "no such model", code: "model_not_found" } } });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(
      failure({ code: "model_not_found", status: 404 }),
    );
  });

  it("stops reading the socket while the client is slow, keeps its idle clock still, and loses nothing", async () => {
    const piece = "x".repeat(16 * 1024);
    const pieces = Array.from({ length: 2000 }, () => piece);
    upstream.enqueue({ steps: openAIFrames({ pieces }) });
    sink.slow = true;
    const call = createCall({ request: INCLUDE_USAGE, timeouts: { idleMs: 200, totalMs: 60_000 } });
    const done = provider.stream(call, sink);
    const request = await upstream.request(0);
    await sink.received(1);
    // Longer than the idle clock: long enough for the kernel's buffers to fill and for a wrong clock to fire.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const written = request.stepsWritten;
    const received = sink.count;
    expect(sink.waiting).toBe(1);
    expect(written).toBeLessThan(pieces.length);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([request.stepsWritten, sink.count]).toEqual([written, received]);
    sink.drain();
    await done;
    expect(sink.payloads).toEqual(openAIPayloads({ pieces }));
  });
});

describe("an abort reaches the upstream's socket at once", () => {
  const frames = openAIFrames();

  it("while it waits for the answer's head", async () => {
    upstream.enqueue({ fail: "hang" });
    const client = new AbortController();
    const done = provider.stream(createCall({ signal: client.signal }), sink);
    const request = await upstream.request(0);
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
    expect(await request.closed).toBe("cut");
  });

  it.each([
    ["before the first output", [": ping\n\n"], 0],
    ["in the middle", frames.slice(0, 3), 3],
  ])("%s", async (_when, steps, outputs) => {
    upstream.enqueue({ steps, end: "hang" });
    const client = new AbortController();
    const done = provider.stream(createCall({ signal: client.signal }), sink);
    const request = await upstream.request(0);
    await sink.received(outputs);
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
    expect(await request.closed).toBe("cut");
  });

  it("while the client is slow and the socket is paused", async () => {
    upstream.enqueue({ steps: frames.slice(0, 3), end: "hang" });
    sink.slow = true;
    const client = new AbortController();
    const done = provider.stream(createCall({ signal: client.signal }), sink);
    const request = await upstream.request(0);
    await sink.received(1);
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
    expect(await request.closed).toBe("cut");
  });

  it("without streaming", async () => {
    upstream.enqueue({ fail: "hang" });
    const client = new AbortController();
    const done = provider.complete(createCall({ signal: client.signal }));
    const request = await upstream.request(0);
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
    expect(await request.closed).toBe("cut");
  });

  it("before it was sent: nothing is sent", async () => {
    await expect(provider.stream(createCall({ signal: AbortSignal.abort() }), sink)).rejects.toEqual(
      failure({ code: "client_closed_request" }),
    );
    const client = new AbortController();
    const done = provider.stream(createCall({ signal: client.signal }), sink);
    client.abort();
    await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
    await provider.complete(createCall());
    expect(upstream.requests).toHaveLength(1);
  });
});

describe("clocks", () => {
  it("the first-output clock counts from the start, and comments do not feed it", async () => {
    const ping = [": ping\n\n", { delayMs: 30 }] as const;
    upstream.enqueue({ steps: Array.from({ length: 20 }, () => ping).flat(), end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { firstOutputMs: 150 } }), sink)).rejects.toEqual(
      failure({ code: "upstream_timeout", status: 504, message: "Timed out waiting for the upstream's first output." }),
    );
    expect(await (await upstream.request(0)).closed).toBe("cut");
  });

  it("the idle clock runs between outputs, and comments do not feed it", async () => {
    const ping = [": ping\n\n", { delayMs: 30 }] as const;
    const steps = [...openAIFrames().slice(0, 2), ...Array.from({ length: 20 }, () => ping).flat()];
    upstream.enqueue({ steps, end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { idleMs: 150 } }), sink)).rejects.toEqual(
      failure({ code: "upstream_timeout", message: "Timed out waiting for the upstream's next output." }),
    );
    expect(sink.count).toBe(2);
  });

  it.each([
    ["without choices", { choices: [] }],
    ["of a role and no text", { choices: [{ index: 0, delta: { role: "assistant", content: "" } }] }],
  ])("chunks %s feed neither the first-output nor the idle clock", async (_what, chunk) => {
    const empty = [`data: ${JSON.stringify(chunk)}\n\n`, { delayMs: 30 }] as const;
    const empties = Array.from({ length: 20 }, () => empty).flat();
    upstream.enqueue({ steps: empties, end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { firstOutputMs: 150 } }), sink)).rejects.toEqual(
      failure({ code: "upstream_timeout", message: "Timed out waiting for the upstream's first output." }),
    );
    upstream.enqueue({ steps: [...openAIFrames().slice(0, 2), ...empties], end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { idleMs: 150 } }), new CollectingSink())).rejects.toEqual(
      failure({ code: "upstream_timeout", message: "Timed out waiting for the upstream's next output." }),
    );
  });

  it("the total clock ends an answer that never does", async () => {
    const steps = openAIFrames()
      .slice(0, 4)
      .flatMap((frame) => [frame, { delayMs: 60 }]);
    upstream.enqueue({ steps, end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { totalMs: 150, idleMs: 5000 } }), sink)).rejects.toEqual(
      failure({ code: "deadline_exceeded", message: "The request took longer than it may." }),
    );
  });

  it("without streaming only the total clock bounds the wait", async () => {
    upstream.enqueue({
      steps: [{ delayMs: 120 }, JSON.stringify(openAICompletion())],
      headers: { "content-type": "application/json" },
    });
    const timeouts = { firstOutputMs: 50, idleMs: 50 };
    await expect(provider.complete(createCall({ timeouts }))).resolves.toMatchObject({
      outcome: { finishReason: "stop" },
    });
    upstream.enqueue({ fail: "hang" });
    await expect(provider.complete(createCall({ timeouts: { totalMs: 100 } }))).rejects.toEqual(
      failure({ code: "deadline_exceeded" }),
    );
  });
});

describe("connections", () => {
  it("nobody listening is upstream_connection_failed, and another target may try", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    await once(server, "close");
    if (address === null || typeof address === "string") throw new Error("no port");
    const away = createOpenAIProvider({ apiKey: KEY, baseUrl: `http://127.0.0.1:${address.port}/v1` });
    await expect(away.stream(createCall(), sink)).rejects.toEqual(
      failure({ code: "upstream_connection_failed", failover: true }),
    );
    await away.close();
  });

  it("a connection closed before the answer is upstream_connection_failed", async () => {
    upstream.enqueue({ fail: "drop" });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(failure({ code: "upstream_connection_failed" }));
  });

  it("is used again after an answer", async () => {
    const ports = new Set<unknown>();
    const failOnce = async (): Promise<void> => {
      upstream.enqueue({ status: 429, json: { error: { message: "slow down" } } });
      await provider.complete(createCall()).catch(() => {});
    };
    for (let round = 0; round < 6; round += 1) {
      if (round % 3 === 0) await provider.complete(createCall());
      else if (round % 3 === 1) await provider.stream(createCall(), new CollectingSink());
      else await failOnce();
      const request = await upstream.request(round);
      await request.closed;
      // A stream's call ends at [DONE]: the body's own end may still be on its way.
      await new Promise((resolve) => setTimeout(resolve, 20));
      ports.add(request.remotePort);
    }
    expect(ports.size).toBe(1);
  });
});

describe("without streaming", () => {
  it("gives the upstream's own text, with what the row needs beside it", async () => {
    const text = JSON.stringify({ ...openAICompletion(), made_up: 1 }, null, 2);
    upstream.enqueue({
      steps: [text],
      headers: { "content-type": "application/json; charset=utf-8", "x-request-id": "req_9" },
    });
    const { body, outcome } = await provider.complete(createCall());
    expect(body).toEqual(Buffer.from(text));
    expect(outcome).toEqual({
      servedBy: { model: "gpt-test", upstreamRequestId: "req_9" },
      finishReason: "stop",
      usage: FAKE_OPENAI_USAGE,
    });
  });

  it("relays counts that nobody can believe as they came, and tells the row none", async () => {
    const text = '{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":-1,"completion_tokens":9e99}}';
    upstream.enqueue({ steps: [text], headers: { "content-type": "application/json" } });
    const { body, outcome } = await provider.complete(createCall());
    expect([body, outcome.usage]).toEqual([Buffer.from(text), undefined]);
  });

  it.each([
    [{ error: { message: "no", code: "model_not_found" } }, "model_not_found"],
    [{ choices: [] }, "upstream_invalid_response"],
    [{ choices: [{ message: {}, finish_reason: null }] }, "upstream_invalid_response"],
    ["text", "upstream_invalid_response"],
  ])("refuses %j under a 200", async (json, code) => {
    upstream.enqueue({ json });
    await expect(provider.complete(createCall())).rejects.toEqual(failure({ code }));
  });

  it("a captive portal's page is no answer, and is not shown", async () => {
    upstream.enqueue({ steps: ["<html>log in</html>"], headers: { "content-type": "text/html" } });
    const error = await provider.complete(createCall()).catch((thrown: unknown) => thrown);
    expect(error).toEqual(failure({ code: "upstream_invalid_response" }));
    expect(String(error)).not.toContain("html");
  });
});

const unicodeEscapes = (text: string): string =>
  Array.from(text, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

describe("upstream errors", () => {
  it("a failed status is mapped, with its wait, before the stream opens", async () => {
    const error = { message: "slow down", type: "rate_limit_error", param: null, code: "rate_limit_exceeded" };
    upstream.enqueue({ status: 429, json: { error }, headers: { "retry-after": "7" } });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(
      failure({ code: "rate_limit_exceeded", status: 429, retryAfterMs: 7000, message: "slow down" }),
    );
    expect(sink.opened).toEqual([]);
  });

  it("never shows the proxy's key, even where the upstream echoes it", async () => {
    for (const status of [400, 401, 500]) {
      upstream.enqueue({ status, json: { error: { message: `bad key ${KEY}` } } });
      const error = await provider.stream(createCall(), sink).catch((thrown: unknown) => thrown);
      expect(String(error)).not.toContain(KEY);
      expect(error).not.toMatchObject({ status: 401 });
    }
  });

  it.each([true, false])("never shows the key in whatever form it is echoed (streamed: %s)", async (streamed) => {
    const error = { message: `bad key Bearer ${KEY}`, param: KEY, type: "invalid_request_error" };
    const escaped = JSON.stringify({ error }).replaceAll(KEY, unicodeEscapes(KEY));
    const headers = { "content-type": "application/json" };
    upstream.enqueue(
      { status: 400, steps: [escaped], headers },
      { status: 400, json: { error: { ...error, message: `${"x".repeat(985)} ${KEY}` } } },
      { json: { error } },
      streamed ? { steps: [`data: ${escaped}\n\n`] } : { steps: [escaped], headers },
    );
    for (let round = 0; round < 4; round += 1) {
      const done = streamed ? provider.stream(createCall(), sink) : provider.complete(createCall());
      const thrown = await done.catch((caught: unknown) => caught);
      expect(thrown).toEqual(failure({ code: "invalid_request", param: "[removed]" }));
      expect(String(thrown)).toContain("[removed]");
      expect(String(thrown)).not.toContain(KEY.slice(0, 8));
    }
  });

  it("never hands the key on in what becomes a header", async () => {
    const headers = { "x-request-id": `Bearer ${KEY}` };
    const servedBy = { model: "m-[removed]", upstreamRequestId: "Bearer [removed]" };
    upstream.enqueue(
      { steps: openAIFrames({ model: `m-${KEY}` }), headers },
      { json: openAICompletion({ model: `m-${KEY}` }), headers },
    );
    expect((await provider.stream(createCall(), sink)).servedBy).toEqual(servedBy);
    expect(sink.opened).toEqual([servedBy]);
    expect((await provider.complete(createCall())).outcome.servedBy).toEqual(servedBy);
  });

  it("reads a failed answer's body up to a bound, and gives the status although the body lingers", async () => {
    const flood = Array.from({ length: 300 }, () => "x".repeat(1024));
    upstream.enqueue({ status: 500, steps: flood, end: "hang" });
    await expect(provider.stream(createCall(), sink)).rejects.toEqual(failure({ code: "upstream_error" }));
    expect(await (await upstream.request(0)).closed).toBe("cut");
    upstream.enqueue({ status: 503, steps: ["{"], end: "hang" });
    await expect(provider.stream(createCall({ timeouts: { firstOutputMs: 100 } }), sink)).rejects.toEqual(
      failure({ code: "upstream_overloaded" }),
    );
  });
});

describe("models", () => {
  it("are the upstream's, with owner and date", async () => {
    expect(await provider.getModels()).toEqual([
      { id: "gpt-a", ownedBy: "openai-test", created: 1_700_000_000 },
      { id: "gpt-b", ownedBy: "openai-test", created: 1_700_000_000 },
    ]);
  });

  it("are the given ones where a list is given", async () => {
    const fixed = createOpenAIProvider({ apiKey: KEY, baseUrl: upstream.baseUrl, models: ["mine"] });
    expect(await fixed.getModels()).toEqual([{ id: "mine", ownedBy: "openai", created: 0 }]);
    await fixed.close();
  });

  it("that cannot be read are logged by code, without a word of what the upstream sent", async () => {
    const lines: unknown[] = [];
    const odd = await startScriptedServer({
      fallback: () => ({ steps: [`${KEY} canary`], headers: { "content-type": "application/json" } }),
    });
    odd.enqueue({ status: 500, json: { error: { message: `${KEY} canary` } } });
    for (const code of ["upstream_error", "upstream_invalid_response"]) {
      const logger = { ...silentLogger, warn: (...line: unknown[]) => void lines.push(line) };
      const asking = createOpenAIProvider({ apiKey: KEY, baseUrl: odd.origin, logger });
      expect(await asking.getModels()).toEqual([]);
      await asking.close();
      expect(lines.splice(0)).toEqual([[{ code, status: 502 }, "could not list the OpenAI upstream's models"]]);
    }
    await odd.close();
  });

  it("are none while the upstream is away, without a rejection", async () => {
    await upstream.close();
    expect(await provider.getModels()).toEqual([]);
    upstream = await startFakeOpenAIServer();
  });
});

it("is available until it is closed; closing ends what is under way", async () => {
  upstream.enqueue({ fail: "hang" });
  expect(provider.isAvailable()).toBe(true);
  const done = provider.stream(createCall(), sink);
  const request = await upstream.request(0);
  await Promise.all([provider.close(), expect(done).rejects.toEqual(failure({ code: "upstream_connection_failed" }))]);
  expect(provider.isAvailable()).toBe(false);
  expect(await request.closed).toBe("cut");
});
