import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  anthropicEvents,
  anthropicFrames,
  anthropicMessage,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../test/fake-anthropic-server.ts";
import { startScriptedServer } from "../../test/fake-scripted-server.ts";
import { CollectingSink, createCall } from "../../test/provider-call.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { createClaudeApiProvider } from "./claude-api.ts";
import type { LLMProvider } from "./types.ts";

const KEY = "sk-ant-test-key-that-must-not-show";
const USAGE = {
  prompt_tokens: 2125,
  completion_tokens: 9,
  total_tokens: 2134,
  prompt_tokens_details: { cached_tokens: 2000, cache_write_tokens: 100 },
};

let upstream: FakeAnthropicServer;
let provider: LLMProvider;
let sink: CollectingSink;

beforeEach(async () => {
  upstream = await startFakeAnthropicServer();
  provider = createClaudeApiProvider({ apiKey: KEY, baseUrl: upstream.baseUrl });
  sink = new CollectingSink();
});

afterEach(async () => {
  await provider.close();
  await upstream.close();
});

const failure = (fields: Record<string, unknown>) => expect.objectContaining(fields);
const errorFrame = (type: string, message: string) => anthropicFrames([{ type: "error", error: { type, message } }]);

describe("the request upstream", () => {
  it("is a Messages API request with key and version, the alias resolved", async () => {
    await provider.stream(createCall({ model: "sonnet", request: { temperature: 0.5, seed: 1 } }), sink);
    const { method, path, headers, body } = await upstream.request(0);
    expect([method, path]).toEqual(["POST", "/v1/messages"]);
    expect(headers).toMatchObject({ "x-api-key": KEY, "anthropic-version": "2023-06-01" });
    expect(headers.authorization).toBeUndefined();
    expect(body).toEqual({
      model: "claude-sonnet-5-5",
      max_tokens: 32_000,
      messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      stream: true,
    });
    expect(sink.opened[0]!.droppedParams).toEqual(["seed", "temperature"]);
  });

  it("keeps a path in the base URL", async () => {
    const proxied = createClaudeApiProvider({ apiKey: KEY, baseUrl: `${upstream.baseUrl}/anthropic/` });
    await proxied.complete(createCall({ model: "opus" }));
    expect((await upstream.request(0)).path).toBe("/anthropic/v1/messages");
    await proxied.close();
  });

  it("is not made when the client's request cannot be carried", async () => {
    const call = createCall({ model: "sonnet", request: { n: 3 } });
    await expect(provider.stream(call, sink)).rejects.toEqual(failure({ status: 400, param: "n" }));
    await expect(provider.complete(call)).rejects.toEqual(failure({ status: 400, param: "n" }));
    expect(upstream.requests).toHaveLength(0);
  });
});

describe("streaming", () => {
  it("gives text, end and usage, and says who served", async () => {
    const outcome = await provider.stream(createCall({ model: "sonnet" }), sink);
    expect(sink.deltas).toEqual([{ content: "Hello" }, { content: " there" }, { content: "!" }]);
    const servedBy = { model: "claude-sonnet-5-5", droppedParams: [], upstreamRequestId: "req_fake" };
    expect(sink.opened).toEqual([servedBy]);
    expect(outcome).toEqual({ servedBy, finishReason: "stop", usage: USAGE });
  });

  it("gives recorded tool calls and their finish reason", async () => {
    const file = join(import.meta.dirname, "claude/__fixtures__/tool-use-mcp.events.ndjson");
    const events = readFileSync(file, "utf8")
      .match(/[^\n]+/g)!
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const first = events.slice(0, events.findIndex(({ type }) => type === "message_stop") + 1);
    upstream.enqueue({ steps: anthropicFrames(first) });
    const outcome = await provider.stream(createCall({ model: "sonnet" }), sink);
    expect(outcome.finishReason).toBe("tool_calls");
    expect(sink.deltas.flatMap((delta) => delta.tool_calls ?? [])[0]).toMatchObject({ index: 0, type: "function" });
  });

  it("opens at the honest end of an empty answer", async () => {
    upstream.enqueue({ steps: anthropicFrames(anthropicEvents({ pieces: [] })) });
    const outcome = await provider.stream(createCall({ model: "sonnet" }), sink);
    expect([sink.opened.length, sink.count, outcome.finishReason]).toEqual([1, 0, "stop"]);
  });

  it("is whole when UTF-8 characters are cut between reads", async () => {
    const pieces = ["Grüße 🙂", " 日本語"];
    const bytes = Buffer.from(anthropicFrames(anthropicEvents({ pieces })).join(""));
    upstream.enqueue({ steps: Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1)) });
    await provider.stream(createCall({ model: "sonnet" }), sink);
    expect(sink.text).toBe("Grüße 🙂 日本語");
  });

  it("ends at message_stop, although the upstream keeps the connection open", async () => {
    upstream.enqueue({ steps: anthropicFrames(anthropicEvents()), end: "hang" });
    await expect(provider.stream(createCall({ model: "sonnet" }), sink)).resolves.toMatchObject({ usage: USAGE });
  });

  it.each([
    ["error", 400, "upstream_overloaded"],
    ["rate", 429, "rate_limit_exceeded"],
  ])("an error event before any output rejects without opening (%s)", async (_name, _status, code) => {
    const type = code === "upstream_overloaded" ? "overloaded_error" : "rate_limit_error";
    upstream.enqueue({ steps: [...anthropicFrames(anthropicEvents().slice(0, 3)), ...errorFrame(type, "Busy")] });
    await expect(provider.stream(createCall({ model: "sonnet" }), sink)).rejects.toEqual(failure({ code }));
    expect(sink.opened).toEqual([]);
  });

  it("an error event after output rejects with its type, and with the usage known by then", async () => {
    const steps = [...anthropicFrames(anthropicEvents().slice(0, 4)), ...errorFrame("overloaded_error", "Overloaded")];
    upstream.enqueue({ steps });
    await expect(provider.stream(createCall({ model: "sonnet" }), sink)).rejects.toEqual(
      failure({ code: "upstream_overloaded", usage: failure({ prompt_tokens: 2125 }) }),
    );
    expect(sink.text).toBe("Hello");
  });

  it.each([
    ["closes", "close"],
    ["breaks off", "drop"],
  ] as const)("is a failure when the upstream %s before message_stop", async (_what, end) => {
    upstream.enqueue({ steps: anthropicFrames(anthropicEvents().slice(0, -1)), end });
    await expect(provider.stream(createCall({ model: "sonnet" }), sink)).rejects.toEqual(
      failure({ code: "upstream_incomplete" }),
    );
  });

  it.each(["data: {broken\n\n", 'data: {"type":"message_start"}\n\n'])("refuses the event %j", async (frame) => {
    upstream.enqueue({ steps: [frame], end: "hang" });
    await expect(provider.stream(createCall({ model: "sonnet" }), sink)).rejects.toEqual(
      failure({ code: "upstream_invalid_response" }),
    );
    expect(await (await upstream.request(0)).closed).toBe("cut");
  });

  it("pings feed neither the first-output nor the idle clock", async () => {
    const [start, block, ping, hello] = anthropicFrames(anthropicEvents());
    const pings = Array.from({ length: 30 }, () => [ping!, { delayMs: 20 }]).flat();
    upstream.enqueue({ steps: [start!, block!, ...pings], end: "hang" });
    const silent = createCall({ model: "sonnet", timeouts: { firstOutputMs: 120 } });
    await expect(provider.stream(silent, sink)).rejects.toEqual(failure({ code: "upstream_timeout" }));
    expect(sink.opened).toEqual([]);
    upstream.enqueue({ steps: [start!, block!, hello!, ...pings], end: "hang" });
    const stalled = createCall({ model: "sonnet", timeouts: { idleMs: 120 } });
    await expect(provider.stream(stalled, sink)).rejects.toEqual(failure({ code: "upstream_timeout" }));
    expect(sink.text).toBe("Hello");
  });

  it("an abort reaches the upstream's socket, waiting or streaming", async () => {
    for (const reply of [
      { fail: "hang" } as const,
      { steps: anthropicFrames(anthropicEvents().slice(0, 4)), end: "hang" } as const,
    ]) {
      upstream.enqueue(reply);
      const client = new AbortController();
      const part = new CollectingSink();
      const done = provider.stream(createCall({ model: "sonnet", signal: client.signal }), part);
      const request = await upstream.request(upstream.requests.length);
      if ("steps" in reply) await part.received(1);
      client.abort();
      await expect(done).rejects.toEqual(failure({ code: "client_closed_request" }));
      expect(await request.closed).toBe("cut");
    }
  });

  it("stops reading the socket while the client is slow, and loses nothing", async () => {
    const pieces = Array.from({ length: 2000 }, (_, index) => `${index} ${"x".repeat(16 * 1024)}`);
    upstream.enqueue({ steps: anthropicFrames(anthropicEvents({ pieces })) });
    sink.slow = true;
    const done = provider.stream(createCall({ model: "sonnet" }), sink);
    const request = await upstream.request(0);
    await sink.received(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(request.stepsWritten).toBeLessThan(pieces.length);
    expect(sink.waiting).toBe(1);
    sink.drain();
    await done;
    expect(sink.text).toBe(pieces.join(""));
  });
});

describe("without streaming", () => {
  it("gives a chat.completion with the call's id and time", async () => {
    const { body, outcome } = await provider.complete(createCall({ model: "opus" }));
    expect(body).toMatchObject({
      id: "chatcmpl-1",
      created: 1_700_000_000,
      model: "claude-opus-5-5",
      choices: [{ message: { content: "Hello there!" }, finish_reason: "stop" }],
      usage: USAGE,
    });
    expect(outcome).toEqual({
      servedBy: { model: "claude-opus-5-5", droppedParams: [], upstreamRequestId: "req_fake" },
      finishReason: "stop",
      usage: USAGE,
    });
    expect((await upstream.request(0)).body).toMatchObject({ stream: false });
  });

  it("refuses a reply that is no finished message", async () => {
    upstream.enqueue({ json: { type: "message" } }, { steps: ["{"], headers: { "content-type": "application/json" } });
    for (let round = 0; round < 2; round += 1) {
      await expect(provider.complete(createCall({ model: "opus" }))).rejects.toEqual(
        failure({ code: "upstream_invalid_response" }),
      );
    }
  });
});

describe("upstream errors", () => {
  it("a failed status is mapped by its type, with its wait and without the key", async () => {
    const error = (type: string, message: string) => ({ type: "error", error: { type, message } });
    upstream.enqueue(
      { status: 429, json: error("rate_limit_error", "slow"), headers: { "retry-after": "2" } },
      { status: 401, json: error("authentication_error", `invalid x-api-key ${KEY}`) },
      { status: 400, json: error("invalid_request_error", `odd header ${KEY}`) },
      { status: 529, steps: ["<html>overloaded</html>"], headers: { "content-type": "text/html" } },
    );
    const errors: unknown[] = [];
    for (let round = 0; round < 4; round += 1) {
      errors.push(await provider.stream(createCall({ model: "sonnet" }), sink).catch((thrown: unknown) => thrown));
    }
    expect(errors).toEqual([
      failure({ code: "rate_limit_exceeded", retryAfterMs: 2000 }),
      failure({ code: "upstream_unauthorized", status: 502 }),
      failure({ code: "invalid_request", status: 400 }),
      failure({ code: "upstream_overloaded", status: 503 }),
    ]);
    expect(errors.map(String).join()).not.toMatch(/must-not-show|html/);
    expect(sink.opened).toEqual([]);
  });

  it("never shows a key of any look, however it is echoed, nor hands it on in what becomes a header", async () => {
    const plainKey = "plain/key+of.no~known;look";
    const own = createClaudeApiProvider({ apiKey: plainKey, baseUrl: upstream.baseUrl });
    const error = { type: "error", error: { type: "invalid_request_error", message: `odd ${plainKey}` } };
    const escapes = Array.from(plainKey, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
      "",
    );
    const escaped = JSON.stringify(error).replace(plainKey, escapes);
    const headers = { "request-id": `Bearer ${plainKey}` };
    upstream.enqueue(
      { steps: anthropicFrames([error]) },
      { status: 400, steps: [escaped], headers: { "content-type": "application/json" } },
      { status: 400, steps: [escaped], headers: { "content-type": "application/json" } },
      { steps: anthropicFrames(anthropicEvents()), headers },
      { json: anthropicMessage(), headers },
    );
    const call = createCall({ model: "sonnet" });
    const refused = failure({ code: "invalid_request", message: "odd [removed]" });
    await expect(own.stream(call, sink)).rejects.toEqual(refused);
    await expect(own.stream(call, sink)).rejects.toEqual(refused);
    await expect(own.complete(call)).rejects.toEqual(refused);
    await own.stream(call, sink);
    expect(sink.opened).toEqual([failure({ upstreamRequestId: "Bearer [removed]" })]);
    expect((await own.complete(call)).outcome.servedBy.upstreamRequestId).toBe("Bearer [removed]");
    await own.close();
  });
});

describe("models", () => {
  it("are the known ones at once, then the API's", async () => {
    const known = await provider.getModels();
    expect(known.map(({ id }) => id)).toEqual(expect.arrayContaining(["sonnet", "opus", "haiku", "claude-opus-5-5"]));
    await expect
      .poll(async () => (await provider.getModels()).map(({ id, created }) => [id, created]))
      .toEqual([
        ["sonnet", 0],
        ["opus", 0],
        ["haiku", 0],
        ["claude-sonnet-5-5", 1_788_220_800],
        ["claude-opus-5-5", 1_788_220_800],
      ]);
  });

  it("that cannot be read are logged by code, without a word of what the upstream sent", async () => {
    const logged = Promise.withResolvers<unknown[]>();
    const logger = { ...silentLogger, warn: (...line: unknown[]) => logged.resolve(line) };
    const odd = await startScriptedServer({
      fallback: () => ({ steps: [`${KEY} canary`], headers: { "content-type": "application/json" } }),
    });
    const asking = createClaudeApiProvider({ apiKey: KEY, baseUrl: odd.origin, logger });
    await asking.getModels();
    const fields = { code: "upstream_invalid_response", status: 502 };
    expect(await logged.promise).toEqual([fields, "could not list Anthropic's models"]);
    await asking.close();
    await odd.close();
  });

  it("stay the known ones when the API is away", async () => {
    await upstream.close();
    const known = await provider.getModels();
    expect(known.length).toBeGreaterThan(3);
    expect(await provider.getModels()).toEqual(known);
    upstream = await startFakeAnthropicServer();
  });
});
