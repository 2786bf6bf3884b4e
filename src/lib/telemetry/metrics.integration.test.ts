import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openAICompletion,
  openAIFrames,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../../test/fake-openai-server.ts";
import { startProxyHarness, TEST_ADMIN_KEY, TEST_AGENT_SECRET, type ProxyHarness } from "../../test/proxy-harness.ts";

const UPSTREAM_KEY = "sk-upstream-0123456789";
let upstream: FakeOpenAIServer;
let proxy: ProxyHarness;
let open: ProxyHarness;

beforeAll(async () => {
  upstream = await startFakeOpenAIServer({ models: ["gpt-test"] });
  proxy = await startProxyHarness({ OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_BASE_URL: upstream.baseUrl });
  open = await startProxyHarness({ METRICS_PUBLIC: "true" });
}, 120_000);
afterAll(async () => {
  await proxy.close();
  await open.close();
  await upstream.close();
}, 60_000);

async function ask(fields: Record<string, unknown>, key = proxy.apiKey): Promise<Response> {
  return await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-test", messages: [{ role: "user", content: "prompt-canary" }], ...fields }),
  });
}

async function scrape(token: string | undefined, url = proxy.url): Promise<Response> {
  return await fetch(`${url}/metrics`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
}

async function samples(): Promise<Map<string, number>> {
  const text = await (await scrape(TEST_ADMIN_KEY)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

describe("GET /metrics", () => {
  it("shows the operator and holders of a key, and nobody else, unless it is public", async () => {
    const statuses = [];
    for (const token of [undefined, "cw_wrong", TEST_AGENT_SECRET, proxy.apiKey, TEST_ADMIN_KEY]) {
      const response = await scrape(token);
      await response.text();
      statuses.push(response.status);
    }
    expect(statuses).toEqual([401, 401, 401, 200, 200]);
    const response = await scrape(undefined, open.url);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("codewise_agents")]);
  });

  it("counts real requests exactly, and holds no secret and nothing that a client wrote", async () => {
    await (await ask({})).text();
    await (await ask({ model: "openai/gpt-test" })).text();
    await (await ask({ stream: true })).text();
    upstream.enqueue({ status: 400, json: { error: { message: "No.", type: "invalid_request_error", code: null } } });
    await (await ask({})).text();
    for (let index = 0; index < 20; index += 1) await (await ask({ model: `model-canary-${index}` })).text();
    await (await ask({ model: "openai/model-canary" })).text();
    await (await ask({ messages: "none" })).text();
    await (await ask({}, "cw_wrong")).text();

    const counted = await samples();
    const requests = [...counted].filter(([name]) => name.startsWith("codewise_requests_total"));
    expect(Object.fromEntries(requests)).toEqual({
      'codewise_requests_total{provider="openai",model="gpt-test",status="2xx",code="ok"}': 3,
      'codewise_requests_total{provider="openai",model="gpt-test",status="4xx",code="invalid_request"}': 1,
      'codewise_requests_total{provider="openai",model="other",status="2xx",code="ok"}': 1,
      'codewise_requests_total{provider="none",model="other",status="4xx",code="model_not_found"}': 20,
      'codewise_requests_total{provider="none",model="other",status="4xx",code="invalid_type"}': 1,
      'codewise_requests_total{provider="none",model="other",status="4xx",code="invalid_api_key"}': 1,
    });
    expect(counted.get('codewise_errors_total{code="model_not_found"}')).toBe(20);
    expect(counted.get('codewise_tokens_total{provider="openai",model="gpt-test",kind="prompt"}')).toBe(33);
    expect(counted.get('codewise_tokens_total{provider="openai",model="gpt-test",kind="completion"}')).toBe(12);
    expect(counted.get('codewise_tokens_total{provider="openai",model="gpt-test",kind="cached"}')).toBe(9);
    expect(counted.get('codewise_tokens_total{provider="openai",model="gpt-test",kind="reasoning"}')).toBe(3);
    expect(counted.get('codewise_attempts_total{provider="openai"}')).toBe(5);
    expect(counted.get("codewise_retries_total")).toBe(0);
    expect(counted.get('codewise_first_token_seconds_count{provider="openai",model="gpt-test"}')).toBe(3);
    expect(counted.get('codewise_request_seconds_count{provider="openai",model="gpt-test"}')).toBe(4);
    expect(counted.get('codewise_overhead_seconds_count{provider="openai"}')).toBe(5);
    expect(counted.get("codewise_requests_in_flight")).toBe(0);
    expect(counted.get("codewise_queue_requests")).toBe(0);
    expect(counted.get('codewise_agents{state="ready"}')).toBe(0);
    expect(counted.get('codewise_event_loop_delay_seconds{quantile="1"}')).toBeGreaterThan(0);
    expect(counted.get("process_resident_memory_bytes")).toBeGreaterThan(1e7);

    const text = await (await scrape(TEST_ADMIN_KEY)).text();
    for (const secret of ["canary", "No.", UPSTREAM_KEY, proxy.apiKey, TEST_ADMIN_KEY, TEST_AGENT_SECRET, '"test"']) {
      expect(text).not.toContain(secret);
    }
  });

  it("tells of a request that still runs, and of its row once it is written", async () => {
    const before = await samples();
    const gate = Promise.withResolvers<void>();
    upstream.enqueue({ steps: [{ until: gate.promise }, ...openAIFrames()] });
    const arrival = upstream.request(upstream.requests.length);
    const running = ask({ stream: true });
    await arrival;
    expect((await samples()).get("codewise_requests_in_flight")).toBe(1);
    gate.resolve();
    await (await running).text();
    const written = before.get("codewise_log_rows_written_total") ?? 0;
    await expect
      .poll(async () => (await samples()).get("codewise_log_rows_written_total"), { timeout: 5000 })
      .toBeGreaterThan(written);
  });
});

describe("x-codewise-overhead-ms", () => {
  it("leaves out what the upstream took, before its headers and after them, in answers, streams and errors", async () => {
    const delayMs = 500;
    const [role = "", ...rest] = openAIFrames();
    const error = JSON.stringify({ error: { message: "No.", type: "invalid_request_error", code: null } });
    const json = { "content-type": "application/json" };
    for (const [stream, reply] of [
      [true, { steps: [{ delayMs }, role, { delayMs }, ...rest] }],
      [false, { steps: [{ delayMs }, JSON.stringify(openAICompletion())], headers: json }],
      [false, { steps: [{ delayMs }, error], status: 400, headers: json }],
    ] as const) {
      upstream.enqueue(reply);
      const askedAt = performance.now();
      const answer = await ask({ stream });
      await answer.text();
      expect(performance.now() - askedAt).toBeGreaterThan(delayMs - 20);
      expect(Number(answer.headers.get("x-codewise-overhead-ms"))).toBeLessThan(delayMs - 150);
    }
  });

  it("is on every answer of the data plane, errors too", async () => {
    const answers = [
      await ask({}),
      await ask({ stream: true }),
      await ask({}, "cw_wrong"),
      await fetch(`${proxy.url}/healthz`),
      await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${proxy.apiKey}` } }),
      await fetch(`${proxy.url}/v1/nothing`),
      await fetch(`${proxy.url}/api/admin/overview`),
      await scrape(proxy.apiKey),
    ];
    await Promise.all(answers.map((answer) => answer.text()));
    for (const answer of answers) expect(answer.headers.get("x-codewise-overhead-ms")).toMatch(/^\d+(\.\d{1,3})?$/);
  });
});
