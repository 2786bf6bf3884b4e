import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  anthropicMessage,
  startFakeAnthropicServer,
  type FakeAnthropicServer,
} from "../../test/fake-anthropic-server.ts";
import {
  openAICompletion,
  openAIFrames,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../../test/fake-openai-server.ts";
import { startProxyHarness, type ProxyHarness } from "../../test/proxy-harness.ts";

let openai: FakeOpenAIServer;
let anthropic: FakeAnthropicServer;
let proxy: ProxyHarness;

beforeAll(async () => {
  openai = await startFakeOpenAIServer();
  anthropic = await startFakeAnthropicServer();
  proxy = await startProxyHarness({
    OPENAI_API_KEY: "sk-test-openai",
    OPENAI_BASE_URL: openai.baseUrl,
    OPENAI_MODELS: "gpt-test,claude-both",
    ANTHROPIC_API_KEY: "sk-test-anthropic",
    ANTHROPIC_BASE_URL: anthropic.baseUrl,
    CIRCUIT_COOLDOWN_MS: "0",
    RETRY_WAIT_MAX_MS: "0",
  });
}, 120_000);

afterAll(async () => {
  await proxy.close();
  await openai.close();
  await anthropic.close();
}, 120_000);

async function ask(model: string, stream = false): Promise<Response> {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json", "idempotency-key": "k" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hi" }] }),
  });
  await response.text();
  return response;
}

/** The headers of an answer that begin so. */
function pick({ headers }: Response, ...prefixes: readonly string[]): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))));
}

const openaiLimits = {
  "x-ratelimit-limit-requests": "5000",
  "x-ratelimit-remaining-requests": "4999",
  "x-ratelimit-reset-requests": "12ms",
  "x-ratelimit-limit-tokens": "160000",
  "x-ratelimit-remaining-tokens": "159976",
  "x-ratelimit-reset-tokens": "6m0s",
};
const passed = { ...openaiLimits, "openai-version": "2020-10-01" };
const received = {
  ...passed,
  "openai-organization": "acme",
  "openai-processing-ms": "99999",
  "x-ratelimit-limit-images": "5",
  "x-junk": "1",
};
const anthropicLimits = (resetMs: number) => ({
  "anthropic-ratelimit-requests-limit": "1000",
  "anthropic-ratelimit-requests-remaining": "0",
  "anthropic-ratelimit-requests-reset": new Date(Date.now() + resetMs).toISOString(),
  "anthropic-ratelimit-tokens-limit": "lots",
  "anthropic-organization-id": "acme",
});

describe("an OpenAI upstream's headers", () => {
  it.each([false, true])(
    "go on with its answer: rate limits and version, nothing else (streamed: %s)",
    async (stream) => {
      openai.enqueue(
        stream ? { steps: openAIFrames(), headers: received } : { json: openAICompletion(), headers: received },
      );
      const response = await ask("gpt-test", stream);
      expect(response.status).toBe(200);
      expect(pick(response, "x-ratelimit-", "openai-v", "openai-o", "x-junk")).toEqual(passed);
      // The proxy's own time, as ever.
      expect(Number(response.headers.get("openai-processing-ms"))).toBeLessThan(90_000);
    },
  );

  it.each([false, true])("go on with its error, with what it says about retrying (streamed: %s)", async (stream) => {
    const headers = { ...received, "retry-after": "3", "retry-after-ms": "2500", "x-should-retry": "true" };
    openai.enqueue({ status: 429, headers, json: { error: { message: "slow down", code: "rate_limit_exceeded" } } });
    const response = await ask("gpt-test", stream);
    expect(response.status).toBe(429);
    expect(pick(response, "x-ratelimit-", "openai-v", "retry-after", "x-should-retry")).toEqual({
      ...passed,
      "retry-after": "3",
      "retry-after-ms": "2500",
      "x-should-retry": "true",
    });
  });

  it("are left out where they are malformed", async () => {
    const junk = { ...openaiLimits, "x-ratelimit-limit-tokens": "1 000", "x-ratelimit-reset-tokens": "x".repeat(9000) };
    openai.enqueue({ json: openAICompletion(), headers: junk });
    const response = await ask("gpt-test");
    expect(Object.keys(pick(response, "x-ratelimit-"))).toHaveLength(4);
  });
});

describe("Anthropic's rate limits", () => {
  it("go on under OpenAI's names, with durations, with answer and error", async () => {
    anthropic.enqueue(
      { json: anthropicMessage(), headers: anthropicLimits(360_000) },
      { status: 429, headers: anthropicLimits(360_000), json: { type: "error", error: { type: "rate_limit_error" } } },
    );
    for (const status of [200, 429]) {
      const response = await ask("sonnet");
      expect(response.status).toBe(status);
      expect(pick(response, "x-ratelimit-", "anthropic-")).toEqual({
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": expect.stringMatching(/^(6m0s|5m\d+s)$/),
      });
    }
  });

  it("come without an Idempotency-Key, which its API does not know", async () => {
    await ask("sonnet");
    expect(anthropic.requests.at(-1)?.headers).not.toHaveProperty("idempotency-key");
  });
});

describe("after a failover", () => {
  const overloaded = () => ({ status: 529, headers: anthropicLimits(1000), json: { type: "error", error: {} } });

  it("the limits are those of the upstream that served", async () => {
    anthropic.enqueue(overloaded());
    openai.enqueue({ json: openAICompletion(), headers: { "x-ratelimit-limit-tokens": "7" } });
    const response = await ask("claude-both");
    expect([response.status, response.headers.get("x-codewise-attempts")]).toEqual([200, "2"]);
    expect(pick(response, "x-ratelimit-")).toEqual({ "x-ratelimit-limit-tokens": "7" });
  });

  it("an error shows none, and says that the proxy has repeated the request itself", async () => {
    anthropic.enqueue(overloaded());
    openai.enqueue({ status: 429, headers: { ...received, "retry-after": "60" }, json: { error: { message: "no" } } });
    const response = await ask("claude-both");
    expect(response.status).toBe(429);
    expect(pick(response, "x-ratelimit-", "retry-after", "x-should-retry")).toEqual({
      "retry-after": "60",
      "retry-after-ms": "60000",
      "x-should-retry": "false",
    });
  });
});
