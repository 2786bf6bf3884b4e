import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAICompletion, openAIFrames } from "../../test/fake-openai-server.ts";
import {
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedReply,
  type ScriptedServer,
} from "../../test/fake-scripted-server.ts";
import { startProxyHarness, type ProxyHarness } from "../../test/proxy-harness.ts";
import { SeededRandom } from "../../test/seeded-random.ts";

const COOLDOWN_MS = 1000;

const answerPlainly = ({ body }: ReceivedRequest): ScriptedReply =>
  (body as { stream?: boolean }).stream === true ? { steps: openAIFrames() } : { json: openAICompletion() };

function failure(
  status: number,
  error: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): ScriptedReply {
  return { status, headers, json: { error: { message: "no", type: "x", param: null, code: null, ...error } } };
}

let upstream: ScriptedServer;
let proxy: ProxyHarness;
/** With circuits that cool down fast, and waits of next to nothing. */
let hasty: ProxyHarness;
let answer = answerPlainly;
let tests = 0;

beforeAll(async () => {
  upstream = await startScriptedServer({ fallback: (request) => answer(request) });
  const env = {
    OPENAI_API_KEY: "sk-test-upstream",
    OPENAI_BASE_URL: `${upstream.origin}/v1`,
    OPENAI_MODELS: "gpt-test",
  };
  proxy = await startProxyHarness(env);
  hasty = await startProxyHarness({ ...env, CIRCUIT_COOLDOWN_MS: String(COOLDOWN_MS), RETRY_WAIT_MAX_MS: "10" });
}, 120_000);

afterAll(async () => {
  await proxy.close();
  await hasty.close();
  await upstream.close();
}, 120_000);

interface Started {
  /** A model of this test alone, so that the tests share no circuit and no budget. */
  readonly model: string;
  /** What the upstream got for it. */
  readonly requests: () => readonly ReceivedRequest[];
  readonly ask: (
    extra?: Record<string, unknown>,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ) => Promise<Response>;
}

/** From now on the upstream answers by `fallback` when nothing is enqueued. */
function start(fallback = answerPlainly, via = proxy): Started {
  answer = fallback;
  tests += 1;
  const model = `gpt-${tests}`;
  return {
    model,
    requests: () => upstream.requests.filter(({ body }) => (body as { model: string }).model === model),
    ask: async (extra = {}, headers = {}, signal) =>
      await fetch(`${via.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${via.apiKey}`, "content-type": "application/json", ...headers },
        body: JSON.stringify({ model: `openai/${model}`, messages: [{ role: "user", content: "Hi" }], ...extra }),
        ...(signal && { signal }),
      }),
  };
}

/** Asks so many times, some at once, half of them streamed; answers the statuses, 0 for a 200 that was not whole. */
async function askMany(ask: Started["ask"], requests: number, atOnce: number): Promise<number[]> {
  const statuses: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests) {
      next += 1;
      const response = await ask({ stream: next % 2 === 0 });
      const text = await response.text();
      const isWhole = response.status !== 200 || /Hello there!|\[DONE\]/.test(text);
      statuses.push(isWhole ? response.status : 0);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return statuses;
}

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe("retries of a lone upstream", () => {
  it.each([
    ["with Retry-After", { "retry-after-ms": "5" }, 7],
    ["without", {}, 11],
  ])(
    "cause at most 1.3 times as many attempts as requests when three answers in ten are a 429 %s, and most requests succeed",
    async (_how, headers: Record<string, string>, seed) => {
      const random = new SeededRandom(seed);
      const { requests, ask } = start((request) =>
        random.chance(0.3) ? failure(429, { code: "rate_limit_exceeded" }, headers) : answerPlainly(request),
      );
      const statuses = await askMany(ask, 400, 16);
      const succeeded = statuses.filter((status) => status === 200).length;
      const factor = requests().length / statuses.length;
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
      expect(factor).toBeLessThanOrEqual(1.3);
      // They do retry: without, 70 % would succeed.
      expect(factor).toBeGreaterThan(1.15);
      expect(succeeded / statuses.length).toBeGreaterThan(0.8);
    },
    60_000,
  );

  it("wait as long as the upstream asks and carry the client's Idempotency-Key unchanged, in its own namespace", async () => {
    const { requests, ask } = start();
    upstream.enqueue(failure(429, {}, { "retry-after-ms": "300" }));
    const startedAt = performance.now();
    const response = await ask({}, { "idempotency-key": "order-7" });
    expect([response.status, response.headers.get("x-codewise-attempts")]).toEqual([200, "2"]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
    const keys = requests().map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^key_\w+:order-7$/);
  });

  it("leave a wait that is too long to the client, with the same Retry-After and leave to retry", async () => {
    const { requests, ask } = start();
    for (const stream of [false, true]) {
      upstream.enqueue(failure(429, {}, { "retry-after": "60" }));
      const response = await ask({ stream });
      expect([response.status, await codeOf(response)]).toEqual([429, "rate_limit_exceeded"]);
      expect(response.headers.get("retry-after")).toBe("60");
      expect(response.headers.get("retry-after-ms")).toBe("60000");
      expect(response.headers.get("x-should-retry")).toBeNull();
    }
    expect(requests()).toHaveLength(2);
  });

  it.each([
    ["a 500", failure(500)],
    ["a 502", failure(502)],
    ["a 503", failure(503)],
    ["a 504", failure(504)],
    ["a 529", failure(529)],
    ["a cut connection", { fail: "drop" } as const],
  ])("make up for %s, streamed or not", async (_what, reply) => {
    const { ask } = start();
    for (const stream of [false, true]) {
      upstream.enqueue(reply);
      const response = await ask({ stream });
      expect([response.status, response.headers.get("x-codewise-attempts")]).toEqual([200, "2"]);
      expect(await response.text()).toContain(stream ? "[DONE]" : "Hello there!");
    }
  });

  it.each([
    ["the account is empty", failure(429, { code: "insufficient_quota" }), 429, "false"],
    ["the request is wrong", failure(400, { type: "invalid_request_error" }), 400, null],
    ["the proxy's key is refused", failure(401), 502, "false"],
    ["the upstream says so", failure(503, {}, { "x-should-retry": "false" }), 503, "false"],
  ] as const)("do not happen when %s", async (_why, reply, status, shouldRetry) => {
    const { requests, ask } = start();
    upstream.enqueue(reply);
    const response = await ask();
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([status, shouldRetry]);
    expect(requests()).toHaveLength(1);
  });

  it("end with the client: nothing is asked again, and the row says so at once", async () => {
    const { model, requests, ask } = start();
    upstream.enqueue(failure(429, {}, { "retry-after": "4" }));
    const controller = new AbortController();
    const asked = ask({}, {}, controller.signal);
    // From its failure on, the request waits.
    const failed = expect.objectContaining({ target: { providerId: "openai", model }, failures: 1 });
    await expect.poll(() => proxy.runtime.resilience.health.states(), { interval: 10 }).toContainEqual(failed);
    const leftAt = performance.now();
    controller.abort();
    await expect(asked).rejects.toThrow();
    await expect
      .poll(() => proxy.runtime.live.recent()[0], { interval: 10 })
      .toMatchObject({ status: 499, attempts: 1 });
    expect(performance.now() - leftAt).toBeLessThan(2000);
    expect(requests()).toHaveLength(1);
  });

  it("are not multiplied by those of the OpenAI SDK", async () => {
    const { model, requests } = start(() => failure(500));
    const client = new OpenAI({ apiKey: proxy.apiKey, baseURL: `${proxy.url}/v1`, maxRetries: 2 });
    const messages = [{ role: "user" as const, content: "Hi" }];
    await expect(client.chat.completions.create({ model: `openai/${model}`, messages })).rejects.toThrow(
      OpenAI.InternalServerError,
    );
    expect(requests()).toHaveLength(2);
  });
});

describe("the circuit of a model", () => {
  it("opens in an outage, says when it will be tried again, leaves other models alone, and closes by one probe", async () => {
    let down = true;
    const slowly: ScriptedReply = { steps: [{ delayMs: 50 }, ...openAIFrames()] };
    const { model, requests, ask } = start(
      (request) => (down && (request.body as { model: string }).model === model ? failure(503) : slowly),
      hasty,
    );
    const circuit = () => hasty.runtime.resilience.health.states().find(({ target }) => target.model === model);
    expect(new Set(await askMany(ask, 40, 1))).toEqual(new Set([503]));
    await expect.poll(() => circuit()?.state, { interval: 20, timeout: 30_000 }).toBe("half_open");
    // However slow this machine is: at most a probe per cool-down came after those that opened it.
    const asked = requests().length;
    expect(asked).toBeLessThan(20);
    // A probe that fails opens it again, for longer.
    await ask({ stream: true });
    expect(requests()).toHaveLength(asked + 1);
    expect(circuit()?.state).toBe("open");
    const refused = await ask({ stream: true });
    expect([refused.status, await codeOf(refused)]).toEqual([503, "circuit_open"]);
    expect(requests()).toHaveLength(asked + 1);
    const retryAfterMs = Number(refused.headers.get("retry-after-ms"));
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(Math.ceil(retryAfterMs / 1000)).toBe(Number(refused.headers.get("retry-after")));
    expect(refused.headers.get("x-should-retry")).toBeNull();
    expect((await ask({ model: "openai/gpt-well", stream: true })).status).toBe(200);

    down = false;
    await expect.poll(() => circuit()?.state, { interval: 20, timeout: 30_000 }).toBe("half_open");
    const crowd = await Promise.all(Array.from({ length: 20 }, () => ask({ stream: true })));
    const served = crowd.filter(({ status }) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(1);
    expect(requests()).toHaveLength(asked + 1 + served);
    await Promise.all(crowd.map((response) => response.text()));
    expect((await ask({ stream: true })).status).toBe(200);
    expect(circuit()?.state ?? "closed").toBe("closed");
  }, 90_000);

  it("stays closed for requests that are at fault themselves", async () => {
    const { model, requests, ask } = start(() => failure(400, { type: "invalid_request_error" }), hasty);
    await askMany(ask, 30, 2);
    expect(requests()).toHaveLength(30);
    expect(hasty.runtime.resilience.health.states().map(({ target }) => target.model)).not.toContain(model);
  });
});
