import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createListener } from "../../server/listener.ts";
import { startFakeOpenAIServer, type FakeOpenAIServer } from "../../test/fake-openai-server.ts";
import { startFakeOtlpServer, type FakeOtlpServer } from "../../test/fake-otlp-server.ts";
import { createCallGate } from "../gateway/call-gate.ts";
import { createChatCompletionsHandler } from "../gateway/chat-completions.ts";
import { KeepAlive } from "../gateway/keep-alive.ts";
import { traceProvider } from "../gateway/trace-provider.ts";
import { BodyBudget } from "../http/body-budget.ts";
import { createDispatcher } from "../http/dispatch.ts";
import { createRouter } from "../http/router.ts";
import { createProviderRegistry } from "../providers/index.ts";
import { createOpenAIProvider } from "../providers/openai.ts";
import { LiveRequests } from "../usage/live-requests.ts";
import { silentLogger } from "./logger.ts";
import { startTracing } from "./start-tracing.ts";

const UPSTREAM_KEY = "sk-upstream-0123456789";
const CLIENT_KEY = "cw_client-0123456789";
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Gateway {
  readonly url: string;
  /** Sends the spans that wait. */
  close(): Promise<void>;
}

/** The chat endpoint over real sockets, wired as the runtime wires it, without a database. */
async function start(
  settings: { OTEL_EXPORTER_OTLP_ENDPOINT?: string; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string } = {},
): Promise<{ upstream: FakeOpenAIServer; proxy: Gateway }> {
  const upstream = await startFakeOpenAIServer({ models: ["gpt-test"] });
  const tracing = await startTracing(
    { OTEL_SERVICE_NAME: "codewise", ...settings },
    { version: "1.2.3", logger: silentLogger },
  );
  const openai = createOpenAIProvider({ apiKey: UPSTREAM_KEY, baseUrl: upstream.baseUrl });
  const provider = tracing === undefined ? openai : traceProvider(openai, tracing, upstream.baseUrl);
  const handler = createChatCompletionsHandler({
    registry: createProviderRegistry([provider]),
    lookUpKey: async (token) => (token === CLIENT_KEY ? { id: "key_1", name: "name-canary" } : undefined),
    record: () => undefined,
    live: new LiveRequests(),
    keepAlive: new KeepAlive(),
    logger: silentLogger,
    maxBodyBytes: 10_000,
    bodies: new BodyBudget(1_000_000),
    timeouts: { connectMs: 5000, firstOutputMs: 5000, idleMs: 5000, totalMs: 10_000 },
    gate: createCallGate(),
    telemetry: { attempt: () => undefined, ended: () => undefined, tracer: tracing },
  });
  const router = createRouter([{ method: "POST", path: "/v1/chat/completions", handler }]);
  const server = createListener({
    handle: createDispatcher(router, silentLogger),
    isDataPlane: () => true,
    fallback: async () => undefined,
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.close();
    server.closeAllConnections();
    await provider.close();
    await upstream.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { upstream, proxy: { url, close: async () => await tracing?.close() } };
}

async function startCollector(options: { readonly status?: number } = {}): Promise<FakeOtlpServer> {
  const collector = await startFakeOtlpServer(options);
  closers.push(() => collector.close());
  return collector;
}

async function ask(proxy: Gateway, headers: Record<string, string> = {}, stream = false): Promise<number> {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "gpt-test", stream, messages: [{ role: "user", content: "prompt-canary" }] }),
  });
  await response.text();
  return response.status;
}

describe("without traces", () => {
  it("carries the client's trace on to the upstream where it is valid, and nothing where it is not", async () => {
    const { upstream, proxy } = await start();
    await ask(proxy, { traceparent, tracestate: "vendor=1" });
    await ask(proxy, { traceparent: "00-nonsense", tracestate: "vendor=1" });
    await ask(proxy);
    expect(upstream.requests.map(({ headers }) => [headers["traceparent"], headers["tracestate"]])).toEqual([
      [traceparent, "vendor=1"],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });
});

describe("with traces", () => {
  it("sends a server span for the request and a client span for the attempt, whose id the upstream gets", async () => {
    const collector = await startCollector();
    const { upstream, proxy } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin });
    await ask(proxy, { traceparent, tracestate: "vendor=1" }, true);
    await proxy.close();

    const server = collector.spans.find((span) => span.kind === 2);
    const client = collector.spans.find((span) => span.kind === 3);
    expect(collector.spans).toHaveLength(2);
    expect(server).toMatchObject({
      traceId: TRACE_ID,
      parentSpanId: "b7ad6b7169203331",
      traceState: "vendor=1",
      name: "POST /v1/chat/completions",
      resource: { "service.name": "codewise", "service.version": "1.2.3" },
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "gen_ai.response.model": "gpt-test",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.response.finish_reasons": ["stop"],
        "http.response.status_code": 200,
      },
    });
    expect(client).toMatchObject({
      traceId: TRACE_ID,
      parentSpanId: server?.spanId,
      name: "chat gpt-test",
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test",
        "gen_ai.response.model": "gpt-test",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "127.0.0.1",
        "server.port": Number(new URL(upstream.origin).port),
      },
    });
    expect(upstream.requests[0]?.headers).toMatchObject({
      traceparent: `00-${TRACE_ID}-${client?.spanId}-01`,
      tracestate: "vendor=1",
    });
  });

  it("tells a failure by its code alone, and never a prompt, an answer, an error's words or a key", async () => {
    const collector = await startCollector();
    const { upstream, proxy } = await start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.origin}/v1/traces` });
    upstream.enqueue({ status: 500, json: { error: { message: "words-canary", type: "server_error", code: null } } });
    upstream.enqueue({ status: 500, json: { error: { message: "words-canary", type: "server_error", code: null } } });
    const failed = await ask(proxy);
    await proxy.close();
    const server = collector.spans.find((span) => span.kind === 2);
    const client = collector.spans.find((span) => span.kind === 3);
    expect(server).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "upstream_error", "http.response.status_code": failed },
    });
    expect(client).toMatchObject({ status: { code: 2 }, attributes: { "error.type": "upstream_error" } });
    for (const secret of ["canary", "Hello there", UPSTREAM_KEY, CLIENT_KEY]) {
      expect(collector.text()).not.toContain(secret);
    }
  });

  it("goes on when the collector refuses or is gone, and ends in bounded time", async () => {
    const collector = await startCollector({ status: 500 });
    const refused = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin });
    const gone = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    expect([await ask(refused.proxy), await ask(gone.proxy)]).toEqual([200, 200]);
    const closedFrom = performance.now();
    await Promise.all([refused.proxy.close(), gone.proxy.close()]);
    expect(performance.now() - closedFrom).toBeLessThan(10_000);
  });
});
