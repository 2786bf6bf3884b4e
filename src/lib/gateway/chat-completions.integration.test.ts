import type { AddressInfo } from "node:net";
import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createListener } from "../../server/listener.ts";
import { createFakeProvider } from "../../test/fake-provider.ts";
import { BodyBudget } from "../http/body-budget.ts";
import { createDispatcher } from "../http/dispatch.ts";
import { GatewayError } from "../http/errors.ts";
import { createRouter } from "../http/router.ts";
import { createProviderRegistry } from "../providers/index.ts";
import type { LLMProvider, ProviderOutcome, StreamSink } from "../providers/types.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { LiveRequests } from "../usage/live-requests.ts";
import type { RequestRecord } from "../usage/record.ts";
import { createCallGate } from "./call-gate.ts";
import { createChatCompletionsHandler } from "./chat-completions.ts";
import { KeepAlive } from "./keep-alive.ts";
import { createGetModelHandler, createListModelsHandler } from "./models.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const outcome: ProviderOutcome = { servedBy: { model: "m-1" }, finishReason: "stop", usage };
const sayHello = async (_call: unknown, sink: StreamSink): Promise<ProviderOutcome> => {
  sink.open({ model: "m-1", droppedParams: ["seed"] });
  sink.delta({ content: "Hel" });
  sink.delta({ content: "lo" });
  return outcome;
};

interface Started {
  url: string;
  rows: RequestRecord[];
  live: LiveRequests;
}

async function start(
  providers: LLMProvider[],
  options: { totalMs?: number; silenceMs?: number; maxBodyBytes?: number } = {},
): Promise<Started> {
  const rows: RequestRecord[] = [];
  const live = new LiveRequests();
  const registry = createProviderRegistry(providers);
  const lookUpKey = async (token: string) => (token === "cw_good" ? { id: "key_1", name: "test" } : undefined);
  const handler = createChatCompletionsHandler({
    registry,
    lookUpKey,
    record: (row) => rows.push(row),
    live,
    keepAlive: new KeepAlive(options.silenceMs ?? 15_000),
    logger: silentLogger,
    bodies: new BodyBudget(1024 * 1024),
    maxBodyBytes: options.maxBodyBytes ?? 10_000,
    timeouts: { connectMs: 1000, firstOutputMs: 1000, idleMs: 1000, totalMs: options.totalMs ?? 5000 },
    gate: createCallGate(),
  });
  const router = createRouter([
    { method: "POST", path: "/v1/chat/completions", handler },
    { method: "GET", path: "/v1/models", handler: createListModelsHandler({ registry, lookUpKey }) },
    { method: "GET", path: "/v1/models/{id...}", handler: createGetModelHandler({ registry, lookUpKey }) },
  ]);
  const server = createListener({
    handle: createDispatcher(router, silentLogger),
    isDataPlane: () => true,
    fallback: async () => undefined,
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, rows, live };
}

async function ask(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer cw_good", "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const chat = (model = "m", extra: object = {}) => ({ model, messages: [{ role: "user", content: "hi" }], ...extra });
const streamed = (model = "m", extra: object = {}) => chat(model, { stream: true, ...extra });

function framesOf(text: string): string[] {
  return text
    .split("\n\n")
    .filter((frame) => frame !== "")
    .map((frame) => frame.replace(/^data: /, ""));
}

describe("POST /v1/chat/completions", () => {
  it("streams role, deltas, one finish reason and [DONE] with one id and no usage key unless asked", async () => {
    const { url } = await start([createFakeProvider({ id: "p", models: ["m"], stream: sayHello })]);
    const response = await ask(url, streamed());
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const frames = framesOf(await response.text());
    expect(frames.at(-1)).toBe("[DONE]");
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame));
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(chunks.map((chunk) => chunk.choices[0].delta)).toEqual([
      { role: "assistant", content: "", refusal: null },
      { content: "Hel" },
      { content: "lo" },
      {},
    ]);
    expect(chunks.map((chunk) => chunk.choices[0].finish_reason)).toEqual([null, null, null, "stop"]);
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
  });

  it("sends usage null on every chunk and one last chunk with empty choices when asked for usage", async () => {
    const { url } = await start([createFakeProvider({ id: "p", models: ["m"], stream: sayHello })]);
    const response = await ask(url, streamed("m", { stream_options: { include_usage: true } }));
    const chunks = framesOf(await response.text())
      .slice(0, -1)
      .map((frame) => JSON.parse(frame));
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
  });

  it("says who served, what was dropped and which request it was", async () => {
    const { url } = await start([createFakeProvider({ id: "p", models: ["m"], stream: sayHello })]);
    for (const body of [streamed(), chat()]) {
      const { headers } = await ask(url, body);
      expect(headers.get("x-request-id")).toMatch(/^req_/);
      expect(headers.get("x-codewise-provider")).toBe("p");
      expect(headers.get("x-codewise-model")).toBe("m-1");
    }
    const { headers } = await ask(url, streamed());
    expect(headers.get("x-codewise-dropped-params")).toBe("seed");
  });

  it("answers a whole completion and writes its row", async () => {
    const { url, rows, live } = await start([createFakeProvider({ id: "p", models: ["m"], stream: sayHello })]);
    const body = (await (await ask(url, chat())).json()) as Record<string, unknown>;
    expect(body).toMatchObject({
      object: "chat.completion",
      usage,
      choices: [
        {
          index: 0,
          logprobs: null,
          finish_reason: "stop",
          message: { role: "assistant", content: "Hello", refusal: null },
        },
      ],
    });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      keyId: "key_1",
      requestedModel: "m",
      servedModel: "m-1",
      provider: "p",
      status: 200,
      promptTokens: 3,
      streamed: false,
      attempts: 1,
    });
    expect(live.inFlightCount).toBe(0);
  });

  it("gives way to the next target before the first output, and keeps the real status when none is left", async () => {
    const failing = createFakeProvider({
      id: "claude-cli-remote",
      stream: async () => {
        throw new GatewayError("agent_lost", "gone");
      },
    });
    const good = createFakeProvider({ id: "claude-api", stream: sayHello });
    const both = await start([failing, good]);
    const served = await ask(both.url, streamed("sonnet"));
    expect(served.headers.get("x-codewise-provider")).toBe("claude-api");
    expect(await served.text()).toContain("[DONE]");
    expect(both.rows[0]).toMatchObject({ provider: "claude-api", attempts: 2, status: 200 });

    const alone = await start([failing]);
    const refused = await ask(alone.url, streamed("sonnet"));
    expect(refused.status).toBe(502);
    expect(((await refused.json()) as { error: { code: string } }).error.code).toBe("agent_lost");
  });

  it("never tries another target after output was delivered, and ends with an error frame and no [DONE]", async () => {
    const breaks = createFakeProvider({
      id: "claude-cli-remote",
      stream: async (_call, sink) => {
        sink.open({ model: "sonnet" });
        sink.delta({ content: "half" });
        throw new GatewayError("agent_lost", "gone");
      },
    });
    const spare = createFakeProvider({ id: "claude-api", stream: sayHello });
    const { url, rows } = await start([breaks, spare]);
    const frames = framesOf(await (await ask(url, streamed("sonnet"))).text());
    expect(JSON.parse(frames.at(-1)!)).toMatchObject({ error: { code: "agent_lost", param: null } });
    expect(frames).not.toContain("[DONE]");
    expect(spare.calls).toHaveLength(0);
    expect(rows[0]).toMatchObject({ status: 502, errorCode: "agent_lost", attempts: 1 });
  });

  it("turns the upstreams' 'unknown model' into 404", async () => {
    const unknown = createFakeProvider({
      id: "claude-api",
      stream: async () => {
        throw new GatewayError("upstream_model_not_found", "no such model");
      },
    });
    const { url } = await start([unknown]);
    const response = await ask(url, chat("claude-none"));
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
      404,
      "model_not_found",
    ]);
  });

  it("aborts the provider when the client goes away and says so in the row", async () => {
    const aborted = Promise.withResolvers<void>();
    const hangs = createFakeProvider({
      id: "p",
      models: ["m"],
      stream: (call, sink) => {
        sink.open({ model: "m" });
        sink.delta({ content: "x" });
        return new Promise((_resolve, reject) => {
          call.signal.addEventListener("abort", () => {
            aborted.resolve();
            reject(new GatewayError("client_closed_request", "closed", { usage }));
          });
        });
      },
    });
    const { url, rows } = await start([hangs]);
    const controller = new AbortController();
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer cw_good" },
      body: JSON.stringify(streamed()),
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    await aborted.promise;
    await expect.poll(() => rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      status: 499,
      errorCode: "client_closed_request",
      clientGone: true,
      promptTokens: 3,
    });
  });

  it("ends a request at its deadline", async () => {
    const hangs = createFakeProvider({
      id: "p",
      models: ["m"],
      stream: (call) =>
        new Promise((_resolve, reject) => {
          call.signal.addEventListener("abort", () => reject(call.signal.reason as Error));
        }),
    });
    const { url } = await start([hangs], { totalMs: 50 });
    const response = await ask(url, chat());
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
      504,
      "deadline_exceeded",
    ]);
  });

  it("keeps a silent stream alive with comment frames, and still ends with an error frame when it fails", async () => {
    const slow = createFakeProvider({
      id: "p",
      models: ["m"],
      stream: async () => {
        await new Promise((resolve) => setTimeout(resolve, 120));
        throw new GatewayError("upstream_timeout", "slow");
      },
    });
    const { url } = await start([slow], { silenceMs: 20 });
    const response = await ask(url, streamed());
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain(": keepalive\n\n");
    expect(text).toContain('"code":"upstream_timeout"');
    expect(text).not.toContain("[DONE]");
  });

  it.each([
    ["broken JSON", "{", 400, "invalid_json", null],
    ["no model", { messages: [{ role: "user", content: "x" }] }, 400, "missing_required_parameter", "model"],
    ["no messages", { model: "m", messages: [] }, 400, "invalid_value", "messages"],
    [
      "a number as content",
      { model: "m", messages: [{ role: "user", content: 5 }] },
      400,
      "invalid_type",
      "messages[0].content",
    ],
    ["a string as temperature", { ...chat(), temperature: "hot" }, 400, "invalid_type", "temperature"],
    [
      "stream_options without stream",
      { ...chat(), stream_options: { include_usage: true } },
      400,
      "invalid_value",
      "stream_options",
    ],
    [
      "a text part without its text",
      { model: "m", messages: [{ role: "user", content: [{ type: "text", text: 5 }] }] },
      400,
      "invalid_type",
      "messages[0].content[0].text",
    ],
    [
      "a nest of arrays",
      `{"model":"m","messages":[],"metadata":${"[".repeat(4000)}${"]".repeat(4000)}}`,
      400,
      "invalid_json",
      null,
    ],
    ["an unknown model", chat("none"), 404, "model_not_found", "model"],
    ["a body over the limit", chat("m", { padding: "x".repeat(20_000) }), 413, "request_too_large", null],
  ])("answers %s with an OpenAI error object", async (_name, body, status, code, param) => {
    const { url, rows } = await start([createFakeProvider({ id: "p", models: ["m"], stream: sayHello })]);
    const response = await ask(url, body);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect([response.status, error["code"], error["param"]]).toEqual([status, code, param]);
    expect(Object.keys(error).toSorted()).toEqual(["code", "message", "param", "type"]);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(rows[0]).toMatchObject({ status, errorCode: code });
  });

  it.each([{}, { authorization: "Bearer cw_bad" }, { authorization: "Basic abc" }])(
    "answers 401 to %j",
    async (headers) => {
      const { url } = await start([]);
      const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: "{}" });
      expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
        401,
        "invalid_api_key",
      ]);
    },
  );

  it("answers 405 and 404 with error objects", async () => {
    const { url } = await start([]);
    const wrongMethod = await fetch(`${url}/v1/chat/completions`);
    expect([wrongMethod.status, wrongMethod.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(`${url}/v1/nothing`)).status).toBe(404);
  });

  it("answers a client that is still sending a body over the limit, instead of resetting it", async () => {
    const { url } = await start([]);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = httpRequest(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer cw_good", "transfer-encoding": "chunked" },
      });
      upload.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
        upload.destroy();
      });
      upload.on("error", reject);
      for (let index = 0; index < 200; index += 1) upload.write(Buffer.alloc(10_000, 32));
    });
    expect(status).toBe(413);
  });
});

describe("GET /v1/models", () => {
  it("lists each model of the available providers once and finds ids with slashes, encoded or not", async () => {
    const { url } = await start([
      createFakeProvider({ id: "p", models: ["m", "org/x"] }),
      createFakeProvider({ id: "q", models: ["m"] }),
      createFakeProvider({ id: "away", models: ["gone"], available: false }),
    ]);
    const headers = { authorization: "Bearer cw_good" };
    const list = (await (await fetch(`${url}/v1/models`, { headers })).json()) as {
      data: { id: string; owned_by: string }[];
    };
    expect(list).toMatchObject({ object: "list" });
    expect(list.data.map((model) => model.id)).toEqual(["m", "org/x"]);
    for (const id of ["org/x", "org%2Fx", "q/m"]) {
      const model = await fetch(`${url}/v1/models/${id}`, { headers });
      expect(await model.json()).toMatchObject({ id: decodeURIComponent(id), object: "model", owned_by: "test" });
    }
    expect((await fetch(`${url}/v1/models/gone`, { headers })).status).toBe(404);
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  });
});
