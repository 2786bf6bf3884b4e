import { AggregatorRegistry, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { createRequestEnd } from "../../test/request-end.ts";
import { RequestMetrics, type IsListed } from "./request-metrics.ts";

function start(isListed: IsListed = () => true): { registry: Registry; requests: RequestMetrics } {
  const registry = new Registry();
  return { registry, requests: new RequestMetrics(registry, isListed) };
}

async function sampleLines(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("the counts of requests", () => {
  it("are exact, by provider, model, status class and code", async () => {
    const { registry, requests } = start();
    requests.attempt("openai");
    requests.attempt("openai");
    requests.ended(createRequestEnd({ record: { attempts: 2 } }));
    requests.ended(createRequestEnd({ record: { status: 429, errorCode: "rate_limit_exceeded", firstTokenMs: null } }));
    requests.ended(createRequestEnd({ record: { provider: null, status: 401, errorCode: "invalid_api_key" } }));
    const lines = await sampleLines(registry);
    expect(lines).toEqual(
      expect.arrayContaining([
        'codewise_requests_total{provider="openai",model="gpt-a",status="2xx",code="ok"} 1',
        'codewise_requests_total{provider="openai",model="gpt-a",status="4xx",code="rate_limit_exceeded"} 1',
        'codewise_requests_total{provider="none",model="other",status="4xx",code="invalid_api_key"} 1',
        'codewise_errors_total{code="rate_limit_exceeded"} 1',
        'codewise_tokens_total{provider="openai",model="gpt-a",kind="prompt"} 20',
        'codewise_tokens_total{provider="openai",model="gpt-a",kind="reasoning"} 2',
        'codewise_attempts_total{provider="openai"} 2',
        "codewise_retries_total 1",
        'codewise_first_token_seconds_bucket{le="0.01",provider="openai",model="gpt-a"} 0',
        'codewise_first_token_seconds_bucket{le="0.025",provider="openai",model="gpt-a"} 1',
        'codewise_first_token_seconds_bucket{le="+Inf",provider="openai",model="gpt-a"} 1',
        'codewise_first_token_seconds_count{provider="openai",model="gpt-a"} 1',
        'codewise_request_seconds_count{provider="openai",model="gpt-a"} 2',
        'codewise_overhead_seconds_bucket{le="0.0001",provider="openai"} 0',
        'codewise_overhead_seconds_bucket{le="0.00025",provider="openai"} 2',
      ]),
    );
  });

  it("put a model under one label, whether its provider was forced or not", async () => {
    const { registry, requests } = start();
    for (const requestedModel of ["gpt-a", "openai/gpt-a", "gpt-a"]) {
      requests.ended(createRequestEnd({ record: { requestedModel } }));
    }
    const lines = await sampleLines(registry);
    expect(lines.filter((line) => line.startsWith("codewise_requests_total"))).toEqual([
      'codewise_requests_total{provider="openai",model="gpt-a",status="2xx",code="ok"} 3',
    ]);
  });

  it("stay bounded under 10,000 names that nobody lists, and 10,000 that somebody does", async () => {
    for (const listed of [false, true]) {
      const { registry, requests } = start(() => listed);
      for (let index = 0; index < 10_000; index += 1) {
        requests.ended(createRequestEnd({ record: { requestedModel: `made-up-${index}` } }));
      }
      const lines = await sampleLines(registry);
      const counted = lines.filter((line) => line.startsWith("codewise_requests_total"));
      expect(counted).toHaveLength(listed ? 65 : 1);
      expect(counted.map((line) => Number(line.split(" ").at(-1))).reduce((sum, count) => sum + count)).toBe(10_000);
      expect(lines.length).toBeLessThan(65 * 50);
    }
  });

  it("wait for a list that is not there yet", async () => {
    const { registry, requests } = start(async (_provider, model) => model === "gpt-a");
    requests.ended(createRequestEnd());
    requests.ended(createRequestEnd({ record: { requestedModel: "gpt-b" } }));
    await new Promise((resolve) => setImmediate(resolve));
    const lines = await sampleLines(registry);
    expect(lines.filter((line) => line.startsWith("codewise_requests_total"))).toEqual([
      'codewise_requests_total{provider="openai",model="gpt-a",status="2xx",code="ok"} 1',
      'codewise_requests_total{provider="openai",model="other",status="2xx",code="ok"} 1',
    ]);
  });

  it("take no code that is not in the table, and no model that poses as the rest", async () => {
    const { registry, requests } = start();
    requests.ended(createRequestEnd({ record: { errorCode: "made_up", status: 500 } }));
    requests.ended(createRequestEnd({ record: { requestedModel: "other" } }));
    requests.ended(createRequestEnd({ record: { requestedModel: "x".repeat(1000) } }));
    const lines = await sampleLines(registry);
    expect(lines.filter((line) => line.startsWith("codewise_requests_total")).toSorted()).toEqual([
      'codewise_requests_total{provider="openai",model="gpt-a",status="5xx",code="other"} 1',
      'codewise_requests_total{provider="openai",model="other",status="2xx",code="ok"} 2',
    ]);
  });

  it("of several processes add up, histograms too", async () => {
    const processes = [start(), start()];
    for (const { requests } of processes) requests.ended(createRequestEnd());
    const parts = await Promise.all(processes.map(({ registry }) => registry.getMetricsAsJSON()));
    const lines = await sampleLines(AggregatorRegistry.aggregate(parts));
    expect(lines).toEqual(
      expect.arrayContaining([
        'codewise_requests_total{provider="openai",model="gpt-a",status="2xx",code="ok"} 2',
        'codewise_request_seconds_bucket{le="0.05",provider="openai",model="gpt-a"} 2',
        'codewise_request_seconds_count{provider="openai",model="gpt-a"} 2',
      ]),
    );
  });
});
